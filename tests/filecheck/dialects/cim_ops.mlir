// RUN: cimc-opt %s | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

builtin.module attributes {cim.target = #cim.target<mapping = "offset", name = "tiny", rows = 4, cols = 5, cell_bits = 2, dac_bits = 1, write_us = 56, mvm_us = 1.4, crossbars = 2, endurance = {writes = 1.0e6}, energy = {source = "Müller, \"B\", 2016", adc_pj = 1.5625, digital_pj = 5}, cells = {levels = [1.0, 2.5, 4.0, 7.0], read_noise = 1.0e-3, read_kind = "proportional"}, adc = {bits = 8}, wires = {exact = true, row_ohm = 2.5}>} {

func.func @attributes() attributes {
    precision = #cim.precision<weight 4, activation 5>,
    unsigned = #cim.quantizer<ui5, scale 0.0625, zero_point 3>,
    narrow = #cim.quantizer<si4, scale 0.1, zero_point -2, narrow>,
    encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>,
    row = #cim.encoding<"differential-row", cell_bits 1, slices 8>,
    offset = #cim.encoding<"offset", cell_bits 8, slices 1>,
    tile = #cim.tile<matrix 3, rows 256 to 512, columns 0 to 40>} {
  func.return
}

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %codes: tensor<6x2x3x3xsi4>, %scale: tensor<6xf32>, %bias: tensor<6xf32>, %q: tensor<1x4x8x8xui8>) {
  %float = cim.conv(%x, %w) {layer = "a", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  %full = cim.conv(%x, %codes scale %scale bias %bias) {layer = "b", aliases = ["/b/Conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, groups = 2 : i64, packing = #cim.packing<groups 2, positions [1, 1]>} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xsi4> scale tensor<6xf32> bias tensor<6xf32>) -> tensor<1x6x4x6xf32>
  %sums = cim.conv(%q, %codes) {layer = "c", strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64, pad_code = 7 : i64} : (tensor<1x4x8x8xui8>, tensor<6x2x3x3xsi4>) -> tensor<1x6x8x8xsi32>
  func.return
}

func.func @matmul(%x: tensor<2x5x8xf32>, %w: tensor<8x3xf32>, %keys: tensor<2x8x3xf32>, %codes: tensor<8x3xsi4>, %scale: tensor<1xf32>, %bias: tensor<3xf32>, %q: tensor<2x5x8xui8>) {
  %float = cim.matmul(%x, %w bias %bias) {layer = "fc"} : (tensor<2x5x8xf32>, tensor<8x3xf32> bias tensor<3xf32>) -> tensor<2x5x3xf32>
  %scaled = cim.matmul(%x, %codes scale %scale) {layer = "fc"} : (tensor<2x5x8xf32>, tensor<8x3xsi4> scale tensor<1xf32>) -> tensor<2x5x3xf32>
  %computed = cim.matmul(%x, %keys) {layer = "qk", precision = #cim.precision<weight 8, activation 8>, stored = #cim.quantizer<si8, scale 5.000000e-01, zero_point 0, narrow>} : (tensor<2x5x8xf32>, tensor<2x8x3xf32>) -> tensor<2x5x3xf32>
  %sums = cim.matmul(%q, %codes) {layer = "fc"} : (tensor<2x5x8xui8>, tensor<8x3xsi4>) -> tensor<2x5x3xsi32>
  func.return
}

func.func @digital(%x: tensor<4xf32>, %sums: tensor<1x4x8x8xsi32>, %scale: tensor<4xf64>, %correction: tensor<4x1x1xsi64>, %bias: tensor<4xf32>, %w: tensor<2x64x50xsi8>) {
  %codes = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>} : tensor<4xf32> -> tensor<4xui8>
  %plain = cim.dequantize(%sums, %scale) {axis = 1 : i64} : (tensor<1x4x8x8xsi32>, tensor<4xf64>) -> tensor<1x4x8x8xf32>
  %full = cim.dequantize(%sums, %scale correction %correction bias %bias) {axis = 1 : i64} : (tensor<1x4x8x8xsi32>, tensor<4xf64> correction tensor<4x1x1xsi64> bias tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %centered = cim.recenter %codes {zero_point = 128 : i64} : tensor<4xui8> -> tensor<4xsi8>
  %column_sum = cim.column_sum %w {factor = 3 : i64} : tensor<2x64x50xsi8> -> tensor<2x1x50xsi64>
  %reshaped = cim.reshape %w : tensor<2x64x50xsi8> -> tensor<128x50xsi8>
  func.return
}

func.func @layout(%x: tensor<1x16x8x8xui8>, %sums: tensor<1x64x16xsi32>) {
  %vectors = cim.im2col %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : tensor<1x16x8x8xui8> -> tensor<1x64x144xui8>
  %padded = cim.im2col %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, pad_code = 7 : i64} : tensor<1x16x8x8xui8> -> tensor<1x64x144xui8>
  %image = cim.to_image %sums : tensor<1x64x16xsi32> -> tensor<1x16x8x8xsi32>
  func.return
}

func.func @offsets_of_matrices(%w: tensor<2x64x10xsi8>, %offsets: tensor<2x10xsi32>, %with_inputs: tensor<2x5x11xsi32>) {
  %cells = cim.encode %w offset %offsets {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<2x64x10xsi8> offset tensor<2x10xsi32> -> tensor<2x64x21xui4>
  %sums = cim.remove_offset %with_inputs, %offsets : tensor<2x5x11xsi32>, tensor<2x10xsi32> -> tensor<2x5x10xsi32>
  func.return
}

func.func @mapping(%v: tensor<1x5x64xui8>, %w: tensor<1x64x10xsi8>, %offset: tensor<10xsi32>) {
  %cells = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> -> tensor<1x64x40xui4>
  %zeros = cim.zeros : tensor<1x5x10xsi32>
  %whole = cim.mvm %v, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  %tile = cim.mvm %v, %cells, %whole {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40>, crossbar = 0 : i64, order = 0 : i64} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  %shifted = cim.encode %w offset %offset {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> offset tensor<10xsi32> -> tensor<1x64x21xui4>
  %more_zeros = cim.zeros : tensor<1x5x11xsi32>
  %with_inputs = cim.mvm %v, %shifted, %more_zeros {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x21xui4>, tensor<1x5x11xsi32>
  %sums = cim.remove_offset %with_inputs, %offset : tensor<1x5x11xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
  func.return
}
  func.func @packed(%x: tensor<12x50x64xui8>, %q: tensor<1x3x8x8xui8>, %n: tensor<1x1x8x8xsi32>, %o: tensor<2xsi32>, %c: tensor<2x1x1xsi64>) attributes {balanced = #cim.encoding<"differential-column", cell_bits 2, slices 3, balanced>, planes = #cim.encoding<"offset", cell_bits 4, slices 3, digital, planes 5 of 1>, tile = #cim.tile<matrix 0, rows 0 to 64, 128 to 192, columns 0 to 256, without rows 0 to 64 columns 0 to 128, without rows 128 to 130 columns 4 to 6>} {
    %p = cim.pack_vectors %x {packing = #cim.packing<groups 4, positions [3]>} : tensor<12x50x64xui8> -> tensor<3x17x768xui8>
    %d = cim.block_diagonal %x {packing = #cim.packing<groups 4, positions [3]>} : tensor<12x50x64xui8> -> tensor<3x600x768xui8>
    %s = cim.unpack_sums %p {packing = #cim.packing<groups 4, positions [3]>} : tensor<3x17x768xui8> -> tensor<12x50x64xui8>
    %t = cim.transpose %x : tensor<12x50x64xui8> -> tensor<12x64x50xui8>
    %i = cim.input_sum %x : tensor<12x50x64xui8> -> tensor<12x50x1xsi32>
    %w = cim.window_sum %q {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, pad_code = 3 : i64} : tensor<1x3x8x8xui8> -> tensor<1x1x8x8xsi32>
    %v = cim.im2col %q {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, packing = #cim.packing<groups 1, positions [2, 3], covered>} : tensor<1x3x8x8xui8> -> tensor<1x12x60xui8>
    %z = cim.zeros : tensor<1x12x12xsi32>
    %y = cim.to_image %z {packing = #cim.packing<groups 1, positions [2, 3], covered>} : tensor<1x12x12xsi32> -> tensor<1x2x8x8xsi32>
    %a = cim.subtract_offset(%y, %n, %o) {axis = 1 : i64} : tensor<1x2x8x8xsi32>, tensor<1x1x8x8xsi32>, tensor<2xsi32> -> tensor<1x2x8x8xsi32>
    %b = cim.subtract %a, %c : tensor<1x2x8x8xsi32>, tensor<2x1x1xsi64> -> tensor<1x2x8x8xsi32>
    %m = weights.load @m : tensor<1x60x12xui4>
    %e = cim.matmul(%v, %m) {layer = "conv", structure = #cim.structure<groups 1, positions [2, 3], kernel [3, 3], strides [1, 1], dilations [1, 1], covered>} : (tensor<1x12x60xui8>, tensor<1x60x12xui4>) -> tensor<1x12x12xsi32>
    func.return
  }

}

// CHECK: builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 5, cell_bits = 2, dac_bits = 1, write_us = 56, mvm_us = 1.4, crossbars = 2, mapping = "offset", reads = ["differential", "single-ended"], adc = {bits = 8}, cells = {levels = [1.0, 2.5, 4.0, 7.0], read_noise = 0.001, read_kind = "proportional"}, wires = {row_ohm = 2.5, exact = true}, energy = {adc_pj = 1.5625, digital_pj = 5, source = "M\C3\BCller, \22B\22, 2016"}, endurance = {writes = 1000000.0}>} {
// CHECK: func.func @attributes() attributes {precision = #cim.precision<weight 4, activation 5>, unsigned = #cim.quantizer<ui5, scale 6.250000e-02, zero_point 3>, narrow = #cim.quantizer<si4, scale 1.000000e-01, zero_point -2, narrow>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, row = #cim.encoding<"differential-row", cell_bits 1, slices 8>, offset = #cim.encoding<"offset", cell_bits 8, slices 1>, tile = #cim.tile<matrix 3, rows 256 to 512, columns 0 to 40>} {
// CHECK-NEXT: func.return
// CHECK: func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %codes: tensor<6x2x3x3xsi4>, %scale: tensor<6xf32>, %bias: tensor<6xf32>, %q: tensor<1x4x8x8xui8>) {
// CHECK-NEXT: %float = cim.conv(%x, %w) {layer = "a", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
// CHECK-NEXT: %full = cim.conv(%x, %codes scale %scale bias %bias) {layer = "b", aliases = ["/b/Conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, groups = 2 : i64, packing = #cim.packing<groups 2, positions [1, 1]>} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xsi4> scale tensor<6xf32> bias tensor<6xf32>) -> tensor<1x6x4x6xf32>
// CHECK-NEXT: %sums = cim.conv(%q, %codes) {layer = "c", strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64, pad_code = 7 : i64} : (tensor<1x4x8x8xui8>, tensor<6x2x3x3xsi4>) -> tensor<1x6x8x8xsi32>
// CHECK-NEXT: func.return
// CHECK: func.func @matmul(%x: tensor<2x5x8xf32>, %w: tensor<8x3xf32>, %keys: tensor<2x8x3xf32>, %codes: tensor<8x3xsi4>, %scale: tensor<1xf32>, %bias: tensor<3xf32>, %q: tensor<2x5x8xui8>) {
// CHECK-NEXT: %float = cim.matmul(%x, %w bias %bias) {layer = "fc"} : (tensor<2x5x8xf32>, tensor<8x3xf32> bias tensor<3xf32>) -> tensor<2x5x3xf32>
// CHECK-NEXT: %scaled = cim.matmul(%x, %codes scale %scale) {layer = "fc"} : (tensor<2x5x8xf32>, tensor<8x3xsi4> scale tensor<1xf32>) -> tensor<2x5x3xf32>
// CHECK-NEXT: %computed = cim.matmul(%x, %keys) {layer = "qk", precision = #cim.precision<weight 8, activation 8>, stored = #cim.quantizer<si8, scale 5.000000e-01, zero_point 0, narrow>} : (tensor<2x5x8xf32>, tensor<2x8x3xf32>) -> tensor<2x5x3xf32>
// CHECK-NEXT: %sums = cim.matmul(%q, %codes) {layer = "fc"} : (tensor<2x5x8xui8>, tensor<8x3xsi4>) -> tensor<2x5x3xsi32>
// CHECK-NEXT: func.return
// CHECK: func.func @digital(%x: tensor<4xf32>, %sums: tensor<1x4x8x8xsi32>, %scale: tensor<4xf64>, %correction: tensor<4x1x1xsi64>, %bias: tensor<4xf32>, %w: tensor<2x64x50xsi8>) {
// CHECK-NEXT: %codes = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>} : tensor<4xf32> -> tensor<4xui8>
// CHECK-NEXT: %plain = cim.dequantize(%sums, %scale) {axis = 1 : i64} : (tensor<1x4x8x8xsi32>, tensor<4xf64>) -> tensor<1x4x8x8xf32>
// CHECK-NEXT: %full = cim.dequantize(%sums, %scale correction %correction bias %bias) {axis = 1 : i64} : (tensor<1x4x8x8xsi32>, tensor<4xf64> correction tensor<4x1x1xsi64> bias tensor<4xf32>) -> tensor<1x4x8x8xf32>
// CHECK-NEXT: %centered = cim.recenter %codes {zero_point = 128 : i64} : tensor<4xui8> -> tensor<4xsi8>
// CHECK-NEXT: %column_sum = cim.column_sum %w {factor = 3 : i64} : tensor<2x64x50xsi8> -> tensor<2x1x50xsi64>
// CHECK-NEXT: %reshaped = cim.reshape %w : tensor<2x64x50xsi8> -> tensor<128x50xsi8>
// CHECK-NEXT: func.return
// CHECK: func.func @layout(%x: tensor<1x16x8x8xui8>, %sums: tensor<1x64x16xsi32>) {
// CHECK-NEXT: %vectors = cim.im2col %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : tensor<1x16x8x8xui8> -> tensor<1x64x144xui8>
// CHECK-NEXT: %padded = cim.im2col %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, pad_code = 7 : i64} : tensor<1x16x8x8xui8> -> tensor<1x64x144xui8>
// CHECK-NEXT: %image = cim.to_image %sums : tensor<1x64x16xsi32> -> tensor<1x16x8x8xsi32>
// CHECK-NEXT: func.return
// CHECK: func.func @offsets_of_matrices(%w: tensor<2x64x10xsi8>, %offsets: tensor<2x10xsi32>, %with_inputs: tensor<2x5x11xsi32>) {
// CHECK-NEXT: %cells = cim.encode %w offset %offsets {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<2x64x10xsi8> offset tensor<2x10xsi32> -> tensor<2x64x21xui4>
// CHECK-NEXT: %sums = cim.remove_offset %with_inputs, %offsets : tensor<2x5x11xsi32>, tensor<2x10xsi32> -> tensor<2x5x10xsi32>
// CHECK-NEXT: func.return
// CHECK: func.func @mapping(%v: tensor<1x5x64xui8>, %w: tensor<1x64x10xsi8>, %offset: tensor<10xsi32>) {
// CHECK-NEXT: %cells = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> -> tensor<1x64x40xui4>
// CHECK-NEXT: %zeros = cim.zeros : tensor<1x5x10xsi32>
// CHECK-NEXT: %whole = cim.mvm %v, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
// CHECK-NEXT: %tile = cim.mvm %v, %cells, %whole {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40>, crossbar = 0 : i64, order = 0 : i64} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
// CHECK-NEXT: %shifted = cim.encode %w offset %offset {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> offset tensor<10xsi32> -> tensor<1x64x21xui4>
// CHECK-NEXT: %more_zeros = cim.zeros : tensor<1x5x11xsi32>
// CHECK-NEXT: %with_inputs = cim.mvm %v, %shifted, %more_zeros {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x21xui4>, tensor<1x5x11xsi32>
// CHECK-NEXT: %sums = cim.remove_offset %with_inputs, %offset : tensor<1x5x11xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
// CHECK-NEXT: func.return

// CHECK: func.func @packed(%x: tensor<12x50x64xui8>, %q: tensor<1x3x8x8xui8>, %n: tensor<1x1x8x8xsi32>, %o: tensor<2xsi32>, %c: tensor<2x1x1xsi64>) attributes {balanced = #cim.encoding<"differential-column", cell_bits 2, slices 3, balanced>, planes = #cim.encoding<"offset", cell_bits 4, slices 3, digital, planes 5 of 1>, tile = #cim.tile<matrix 0, rows 0 to 64, 128 to 192, columns 0 to 256, without rows 0 to 64 columns 0 to 128, without rows 128 to 130 columns 4 to 6>} {
// CHECK-NEXT: %p = cim.pack_vectors %x {packing = #cim.packing<groups 4, positions [3]>} : tensor<12x50x64xui8> -> tensor<3x17x768xui8>
// CHECK-NEXT: %d = cim.block_diagonal %x {packing = #cim.packing<groups 4, positions [3]>} : tensor<12x50x64xui8> -> tensor<3x600x768xui8>
// CHECK-NEXT: %s = cim.unpack_sums %p {packing = #cim.packing<groups 4, positions [3]>} : tensor<3x17x768xui8> -> tensor<12x50x64xui8>
// CHECK-NEXT: %t = cim.transpose %x : tensor<12x50x64xui8> -> tensor<12x64x50xui8>
// CHECK-NEXT: %i = cim.input_sum %x : tensor<12x50x64xui8> -> tensor<12x50x1xsi32>
// CHECK-NEXT: %w = cim.window_sum %q {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, pad_code = 3 : i64} : tensor<1x3x8x8xui8> -> tensor<1x1x8x8xsi32>
// CHECK-NEXT: %v = cim.im2col %q {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, packing = #cim.packing<groups 1, positions [2, 3], covered>} : tensor<1x3x8x8xui8> -> tensor<1x12x60xui8>
// CHECK-NEXT: %z = cim.zeros : tensor<1x12x12xsi32>
// CHECK-NEXT: %y = cim.to_image %z {packing = #cim.packing<groups 1, positions [2, 3], covered>} : tensor<1x12x12xsi32> -> tensor<1x2x8x8xsi32>
// CHECK-NEXT: %a = cim.subtract_offset(%y, %n, %o) {axis = 1 : i64} : tensor<1x2x8x8xsi32>, tensor<1x1x8x8xsi32>, tensor<2xsi32> -> tensor<1x2x8x8xsi32>
// CHECK-NEXT: %b = cim.subtract %a, %c : tensor<1x2x8x8xsi32>, tensor<2x1x1xsi64> -> tensor<1x2x8x8xsi32>
// CHECK-NEXT: %m = weights.load @m : tensor<1x60x12xui4>
// CHECK-NEXT: %e = cim.matmul(%v, %m) {layer = "conv", structure = #cim.structure<groups 1, positions [2, 3], kernel [3, 3], strides [1, 1], dilations [1, 1], covered>} : (tensor<1x12x60xui8>, tensor<1x60x12xui4>) -> tensor<1x12x12xsi32>
// CHECK-NEXT: func.return

// GENERIC: %float = "cim.conv"(%x, %w) <{layer = "a", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0>, pad_code = 0 : i64}> : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
// GENERIC: %full = "cim.conv"(%x, %codes, %scale, %bias) <{layer = "b", aliases = ["/b/Conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>, strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>, groups = 2 : i64, packing = #cim.packing<groups 2, positions [1, 1]>, operandSegmentSizes = array<i32: 1, 1, 1, 1>, pad_code = 0 : i64}> : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xsi4>, tensor<6xf32>, tensor<6xf32>) -> tensor<1x6x4x6xf32>
// GENERIC: %scaled = "cim.matmul"(%x, %codes, %scale) <{layer = "fc", operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (tensor<2x5x8xf32>, tensor<8x3xsi4>, tensor<1xf32>) -> tensor<2x5x3xf32>
// GENERIC: %codes = "cim.quantize"(%x) <{quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>}> : (tensor<4xf32>) -> tensor<4xui8>
// GENERIC: %full = "cim.dequantize"(%sums, %scale, %correction, %bias) <{axis = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1>}> : (tensor<1x4x8x8xsi32>, tensor<4xf64>, tensor<4x1x1xsi64>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
// GENERIC: %centered = "cim.recenter"(%codes) <{zero_point = 128 : i64}> : (tensor<4xui8>) -> tensor<4xsi8>
// GENERIC: %column_sum = "cim.column_sum"(%w) <{factor = 3 : i64}> : (tensor<2x64x50xsi8>) -> tensor<2x1x50xsi64>
// GENERIC: %reshaped = "cim.reshape"(%w) : (tensor<2x64x50xsi8>) -> tensor<128x50xsi8>
// GENERIC: %vectors = "cim.im2col"(%x) <{kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, pad_code = 0 : i64}> : (tensor<1x16x8x8xui8>) -> tensor<1x64x144xui8>
// GENERIC: %image = "cim.to_image"(%sums) : (tensor<1x64x16xsi32>) -> tensor<1x16x8x8xsi32>
// GENERIC: %zeros = "cim.zeros"() : () -> tensor<1x5x10xsi32>
// GENERIC: %whole = "cim.mvm"(%v, %cells, %zeros) <{layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}> : (tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>) -> tensor<1x5x10xsi32>
// GENERIC: %shifted = "cim.encode"(%w, %offset) <{encoding = #cim.encoding<"offset", cell_bits 4, slices 2>}> : (tensor<1x64x10xsi8>, tensor<10xsi32>) -> tensor<1x64x21xui4>
// GENERIC: %sums = "cim.remove_offset"(%with_inputs, %offset) : (tensor<1x5x11xsi32>, tensor<10xsi32>) -> tensor<1x5x10xsi32>
