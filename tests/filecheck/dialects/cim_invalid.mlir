// RUN: cimc-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

func.func @weight_bits() attributes {attribute = #cim.precision<weight 1, activation 8>} {
  func.return
}

// CHECK: weight bits must be from 2 to 16, got 1

// -----

func.func @activation_bits() attributes {attribute = #cim.precision<weight 8, activation 17>} {
  func.return
}

// CHECK: activation bits must be from 1 to 16, got 17

// -----

func.func @precision_keyword() attributes {attribute = #cim.precision<weights 8, activation 8>} {
  func.return
}

// CHECK: Expected 'weight'

// -----

func.func @quantizer_sign() attributes {attribute = #cim.quantizer<i8, scale 1.0, zero_point 0>} {
  func.return
}

// CHECK: a width like `ui5` or `si8` is needed

// -----

func.func @quantizer_no_width() attributes {attribute = #cim.quantizer<uint8, scale 1.0, zero_point 0>} {
  func.return
}

// CHECK: a width like `ui5` or `si8` is needed

// -----

func.func @quantizer_width() attributes {attribute = #cim.quantizer<ui33, scale 1.0, zero_point 0>} {
  func.return
}

// CHECK: a width from 1 to 32 bits is needed, got 33

// -----

func.func @quantizer_scale() attributes {attribute = #cim.quantizer<ui8, scale 0.0, zero_point 0>} {
  func.return
}

// CHECK: a scale must be above 0, got 0.0

// -----

func.func @quantizer_negative_scale() attributes {attribute = #cim.quantizer<ui8, scale -0.5, zero_point 0>} {
  func.return
}

// CHECK: a scale must be above 0, got -0.5

// -----

func.func @quantizer_range() attributes {attribute = #cim.quantizer<ui8, scale 1.0, zero_point 0, wide>} {
  func.return
}

// CHECK: Expected 'narrow'

// -----

func.func @encoding_mapping() attributes {attribute = #cim.encoding<"diagonal", cell_bits 4, slices 2>} {
  func.return
}

// CHECK: a mapping is one of differential-column, differential-row, mixed-digits, offset, not 'diagonal'

// -----

func.func @encoding_cell_bits() attributes {attribute = #cim.encoding<"offset", cell_bits 9, slices 2>} {
  func.return
}

// CHECK: a number from 1 to 8 is needed, got 9

// -----

func.func @encoding_slices() attributes {attribute = #cim.encoding<"offset", cell_bits 4, slices 0>} {
  func.return
}

// CHECK: a number from 1 to 32 is needed, got 0

// -----

func.func @tile_rows() attributes {attribute = #cim.tile<matrix 0, rows 4 to 4, columns 0 to 8>} {
  func.return
}

// CHECK: rows 4 to 4 are none

// -----

func.func @tile_columns() attributes {attribute = #cim.tile<matrix 0, rows 0 to 4, columns 8 to 2>} {
  func.return
}

// CHECK: columns 8 to 2 are none

// -----

func.func @target_missing_key() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, mapping = "differential-column">} {
  func.return
}

// CHECK: missing or unknown keys of a target: crossbars

// -----

func.func @target_unknown_key() attributes {attribute = #cim.target<colour = 1, name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.return
}

// CHECK: missing or unknown keys of a target: colour

// -----

func.func @target_rows() attributes {attribute = #cim.target<name = "tiny", rows = 0, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.return
}

// CHECK: target tiny: rows must be a whole number from 1 to 65536, got 0

// -----

func.func @target_cell_bits() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2.5, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.return
}

// CHECK: target tiny: cell_bits must be a whole number from 1 to 8, got 2.5

// -----

func.func @target_time() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = -1.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.return
}

// CHECK: target tiny: write_us must be above 0, got -1.0

// -----

func.func @target_mapping() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "any">} {
  func.return
}

// CHECK: target tiny: mapping must be one of differential-column, differential-row, mixed-digits, offset, got 'any'

// -----

func.func @target_pairs() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 5, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.return
}

// CHECK: target tiny: differential-column pairs need an even number of cols, got 5

// -----

func.func @conv_rank(%x: tensor<1x4xf32>, %w: tensor<6x2xf32>) {
  %y = cim.conv(%x, %w) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4xf32>, tensor<6x2xf32>) -> tensor<1x6xf32>
  func.return
}

// CHECK: a convolution needs 3 to 5 dimensions, got 2

// -----

func.func @conv_channels(%x: tensor<1x4x8x8xf32>, %w: tensor<6x3x3x3xf32>) {
  %y = cim.conv(%x, %w) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x3x3x3xf32>) -> tensor<1x6x6x6xf32>
  func.return
}

// CHECK: 4 channels in 2 groups do not go with weights (6, 3, 3, 3)

// -----

func.func @conv_outputs(%x: tensor<1x4x8x8xf32>, %w: tensor<5x2x3x3xf32>) {
  %y = cim.conv(%x, %w) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<5x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  func.return
}

// CHECK: 4 channels in 2 groups do not go with weights (5, 2, 3, 3)

// -----

func.func @conv_strides(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  %y = cim.conv(%x, %w) {layer = "conv", strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  func.return
}

// CHECK: strides, dilations, pads must be for 2 dimensions

// -----

func.func @conv_result(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  %y = cim.conv(%x, %w) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x8x8xf32>
  func.return
}

// CHECK: the result has shape (1, 6, 6, 6), not (1, 6, 8, 8)

// -----

func.func @conv_bias(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %e: tensor<5xf32>) {
  %y = cim.conv(%x, %w bias %e) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32> bias tensor<5xf32>) -> tensor<1x6x6x6xf32>
  func.return
}

// CHECK: bias must have 1 or 6 elements

// -----

func.func @conv_scale(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xsi4>, %e: tensor<2xf32>) {
  %y = cim.conv(%x, %w scale %e) {layer = "conv", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xsi4> scale tensor<2xf32>) -> tensor<1x6x6x6xf32>
  func.return
}

// CHECK: scale must have 1 or 6 elements

// -----

func.func @matmul_rank(%x: tensor<8xf32>, %w: tensor<8x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<8xf32>, tensor<8x3xf32>) -> tensor<3xf32>
  func.return
}

// CHECK: a matrix product needs 2 or more dimensions

// -----

func.func @matmul_inputs(%x: tensor<2x8xf32>, %w: tensor<7x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xf32>, tensor<7x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: 8 inputs do not go with a stored operand (7, 3)

// -----

func.func @matmul_matrices(%x: tensor<2x5x8xf32>, %w: tensor<3x8x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x5x8xf32>, tensor<3x8x3xf32>) -> tensor<2x5x3xf32>
  func.return
}

// CHECK: (2,) matrices do not go with (3,)

// -----

func.func @matmul_result(%x: tensor<2x8xf32>, %w: tensor<8x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xf32>, tensor<8x3xf32>) -> tensor<2x4xf32>
  func.return
}

// CHECK: the result has shape (2, 3), not (2, 4)

// -----

func.func @float_weights_of_codes(%x: tensor<2x8xui8>, %w: tensor<8x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xui8>, tensor<8x3xf32>) -> tensor<2x3xsi32>
  func.return
}

// CHECK: a layer on codes takes codes as weights, no scale, no bias

// -----

func.func @bias_of_codes(%x: tensor<2x8xui8>, %w: tensor<8x3xsi4>, %e: tensor<3xf32>) {
  %y = cim.matmul(%x, %w bias %e) {layer = "fc"} : (tensor<2x8xui8>, tensor<8x3xsi4> bias tensor<3xf32>) -> tensor<2x3xsi32>
  func.return
}

// CHECK: a layer on codes takes codes as weights, no scale, no bias

// -----

func.func @float_sums(%x: tensor<2x8xui8>, %w: tensor<8x3xsi4>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xui8>, tensor<8x3xsi4>) -> tensor<2x3xf32>
  func.return
}

// CHECK: a layer on codes gives integer sums

// -----

func.func @integer_result(%x: tensor<2x8xf32>, %w: tensor<8x3xf32>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xf32>, tensor<8x3xf32>) -> tensor<2x3xsi32>
  func.return
}

// CHECK: a layer on floats gives floats

// -----

func.func @codes_without_scale(%x: tensor<2x8xf32>, %w: tensor<8x3xsi4>) {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<2x8xf32>, tensor<8x3xsi4>) -> tensor<2x3xf32>
  func.return
}

// CHECK: weights that are codes need their scale

// -----

func.func @quantize_type(%x: tensor<4xf32>) {
  %q = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>} : tensor<4xf32> -> tensor<4xsi8>
  func.return
}

// CHECK: the codes are of type ui8

// -----

func.func @quantize_shape(%x: tensor<4xf32>) {
  %q = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>} : tensor<4xf32> -> tensor<2x2xui8>
  func.return
}

// CHECK: the result has the operand's shape (4,), not (2, 2)

// -----

func.func @dequantize_shape(%s: tensor<1x4xsi32>, %t: tensor<4xf64>) {
  %y = cim.dequantize(%s, %t) {axis = 1 : i64} : (tensor<1x4xsi32>, tensor<4xf64>) -> tensor<4x1xf32>
  func.return
}

// CHECK: the result has the operand's shape (1, 4), not (4, 1)

// -----

func.func @dequantize_axis(%s: tensor<1x4xsi32>, %t: tensor<4xf64>) {
  %y = cim.dequantize(%s, %t) {axis = 2 : i64} : (tensor<1x4xsi32>, tensor<4xf64>) -> tensor<1x4xf32>
  func.return
}

// CHECK: axis must be from 0 to 1

// -----

func.func @recenter_shape(%q: tensor<4xui8>) {
  %w = cim.recenter %q {zero_point = 128 : i64} : tensor<4xui8> -> tensor<5xsi8>
  func.return
}

// CHECK: the result has the operand's shape (4,), not (5,)

// -----

func.func @column_sum_shape(%w: tensor<2x64x50xsi8>) {
  %s = cim.column_sum %w {factor = 3 : i64} : tensor<2x64x50xsi8> -> tensor<2x50xsi64>
  func.return
}

// CHECK: the result has shape (2, 1, 50)

// -----

func.func @im2col_type(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<1x2x4xsi8>
  func.return
}

// CHECK: im2col keeps the type of the codes

// -----

func.func @im2col_rank(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<2x4xui8>
  func.return
}

// CHECK: vectors are [matrices, vectors, inputs]

// -----

func.func @im2col_window(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<1x2x3xui8>
  func.return
}

// CHECK: a vector holds whole kernel windows

// -----

func.func @im2col_vectors(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<1x3x4xui8>
  func.return
}

// CHECK: 1 pictures have [2] vectors each, along the axes

// -----

func.func @im2col_patches(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, packing = #cim.packing<groups 1, positions [2]>} : tensor<1x2x3xui8> -> tensor<1x2x6xui8>
  func.return
}

// CHECK: 1 pictures have [1] vectors each, along the axes

// -----

func.func @im2col_padding(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 0, 1000000000000>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<1x2x4xui8>
  func.return
}

// CHECK: a padded picture of shape (1000000000003,) is too large

// -----

func.func @im2col_negative(%x: tensor<1x2x3xui8>) {
  %v = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: -1, 0>, dilations = array<i64: 1>} : tensor<1x2x3xui8> -> tensor<1x1x4xui8>
  func.return
}

// CHECK: pads (-1, 0) are negative

// -----

func.func @to_image_vectors(%s: tensor<1x64x16xsi32>) {
  %y = cim.to_image %s : tensor<1x64x16xsi32> -> tensor<1x16x8x7xsi32>
  func.return
}

// CHECK: the picture does not have as many vectors and channels

// -----

func.func @to_image_channels(%s: tensor<1x64x16xsi32>) {
  %y = cim.to_image %s : tensor<1x64x16xsi32> -> tensor<1x17x8x8xsi32>
  func.return
}

// CHECK: the picture does not have as many vectors and channels

// -----

func.func @reshape_type(%x: tensor<4xui8>) {
  %y = cim.reshape %x : tensor<4xui8> -> tensor<2x2xsi8>
  func.return
}

// CHECK: a reshape keeps the type of the elements

// -----

func.func @reshape_size(%x: tensor<4xui8>) {
  %y = cim.reshape %x : tensor<4xui8> -> tensor<2x3xui8>
  func.return
}

// CHECK: a reshape keeps the number of elements

// -----

func.func @encode_shape(%w: tensor<1x64x10xsi8>) {
  %c = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> -> tensor<1x64x20xui4>
  func.return
}

// CHECK: the cells have shape (1, 64, 40), not (1, 64, 20)

// -----

func.func @encode_rank(%w: tensor<64x10xsi8>) {
  %c = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<64x10xsi8> -> tensor<64x40xui4>
  func.return
}

// CHECK: three sizes are needed, got (64, 10)

// -----

func.func @encode_cells(%w: tensor<1x64x10xsi8>) {
  %c = cim.encode %w {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> -> tensor<1x64x40xui2>
  func.return
}

// CHECK: the cells hold 4-bit codes

// -----

func.func @encode_no_offset(%w: tensor<1x64x10xsi8>) {
  %c = cim.encode %w {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> -> tensor<1x64x21xui4>
  func.return
}

// CHECK: an offset is needed by a mapping with a column of ones, and by no other

// -----

func.func @encode_needless_offset(%w: tensor<1x64x10xsi8>, %o: tensor<10xsi32>) {
  %c = cim.encode %w offset %o {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> offset tensor<10xsi32> -> tensor<1x64x40xui4>
  func.return
}

// CHECK: an offset is needed by a mapping with a column of ones, and by no other

// -----

func.func @encode_offset_size(%w: tensor<1x64x10xsi8>, %o: tensor<11xsi32>) {
  %c = cim.encode %w offset %o {encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x64x10xsi8> offset tensor<11xsi32> -> tensor<1x64x21xui4>
  func.return
}

// CHECK: the offset has 10 elements

// -----

func.func @mvm_rows(%v: tensor<1x5x64xui8>, %c: tensor<1x63x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x63x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: 1 matrices of 64 rows are needed, got cells of (1, 63, 40)

// -----

func.func @mvm_pairs_of_rows(%v: tensor<1x5x64xui8>, %c: tensor<1x64x20xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-row", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x20xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: 1 matrices of 128 rows are needed, got cells of (1, 64, 20)

// -----

func.func @mvm_matrices(%v: tensor<2x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<2x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<2x5x64xui8>, tensor<1x64x40xui4>, tensor<2x5x10xsi32>
  func.return
}

// CHECK: 2 matrices of 64 rows are needed, got cells of (1, 64, 40)

// -----

func.func @mvm_columns(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x11xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x11xsi32>
  func.return
}

// CHECK: 5 vectors and 40 columns do not go with sums of shape (1, 5, 11)

// -----

func.func @mvm_vectors(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x6x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x6x10xsi32>
  func.return
}

// CHECK: 5 vectors and 40 columns do not go with sums of shape (1, 6, 10)

// -----

func.func @mvm_unit_column(%v: tensor<1x5x64xui8>, %c: tensor<1x64x21xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x21xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: 5 vectors and 21 columns do not go with sums of shape (1, 5, 10)

// -----

func.func @mvm_rank(%v: tensor<5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: three sizes are needed, got (5, 64)

// -----

func.func @mvm_wide_sums(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi65>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi65>
  func.return
}

// CHECK: sums have at most 64 bits

// -----

func.func @tile_outside(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 65, columns 0 to 40>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 0 to 65, columns 0 to 40> reaches out of cells of (1, 64, 40)

// -----

func.func @tile_of_no_matrix(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, tile = #cim.tile<matrix 1, rows 0 to 64, columns 0 to 40>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: tile #cim.tile<matrix 1, rows 0 to 64, columns 0 to 40> reaches out of cells of (1, 64, 40)

// -----

func.func @tile_cuts_columns(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 39>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 0 to 64, columns 0 to 39> cuts through a pair of columns

// -----

func.func @tile_cuts_rows(%v: tensor<1x5x64xui8>, %c: tensor<1x128x20xui4>, %s: tensor<1x5x10xsi32>) {
  %r = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-row", cell_bits 4, slices 2>, tile = #cim.tile<matrix 0, rows 1 to 64, columns 0 to 20>} : tensor<1x5x64xui8>, tensor<1x128x20xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 1 to 64, columns 0 to 20> cuts through a pair of rows

// -----

func.func @sums_type(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r = "cim.mvm"(%v, %c, %s) <{layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}> : (tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>) -> tensor<1x5x10xsi64>
  func.return
}

// CHECK: result 'result' at position 0 does not verify

// -----

func.func @remove_offset_sums(%s: tensor<1x5x10xsi32>, %o: tensor<10xsi32>) {
  %r = cim.remove_offset %s, %o : tensor<1x5x10xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
  func.return
}

// CHECK: 10 outputs need 11 sums and 10 offsets

// -----

func.func @remove_offset_offsets(%s: tensor<2x5x11xsi32>, %o: tensor<3x10xsi32>) {
  %r = cim.remove_offset %s, %o : tensor<2x5x11xsi32>, tensor<3x10xsi32> -> tensor<2x5x10xsi32>
  func.return
}

// CHECK: 10 outputs need 11 sums and 10 offsets

// -----

func.func @float_codes(%s: tensor<1x5x10xf32>, %o: tensor<10xsi32>) {
  %r = cim.remove_offset %s, %o : tensor<1x5x10xf32>, tensor<10xsi32> -> tensor<1x5x9xsi32>
  func.return
}

// CHECK: f32 should be of base attribute integer_type

// -----

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column", reads = ["single-ended"]>} {
}

// CHECK: target tiny: the differential-column mapping needs differential reads

// -----

func.func @encoding_digital() attributes {attribute = #cim.encoding<"differential-row", cell_bits 4, slices 1, digital>} {
  func.return
}

// CHECK: only an offset is taken off by the digital part

// -----

func.func @encoding_balanced() attributes {attribute = #cim.encoding<"offset", cell_bits 4, slices 1, balanced>} {
  func.return
}

// CHECK: only digits in pairs are balanced

// -----

func.func @encoding_planes() attributes {attribute = #cim.encoding<"offset", cell_bits 4, slices 1, planes 2 of 1>} {
  func.return
}

// CHECK: a column of ones reads no stacked planes

// -----

func.func @encoding_option() attributes {attribute = #cim.encoding<"offset", cell_bits 4, slices 1, analog>} {
  func.return
}

// CHECK: an encoding is balanced, digital or has planes, not 'analog'

// -----

func.func @tile_ranges() attributes {attribute = #cim.tile<matrix 0, rows 0 to 4, 4 to 8, columns 0 to 2>} {
  func.return
}

// CHECK: rows 0 to 4, 4 to 8 do not rise with a gap between them

// -----

func.func @structure_axes() attributes {attribute = #cim.structure<groups 1, positions [2, 2], kernel [3], strides [1, 1], dilations [1, 1]>} {
  func.return
}

// CHECK: positions, kernel, strides and dilations have as many axes

// -----

func.func @structure(%x: tensor<1x5x6xui8>, %w: tensor<1x6x3xsi4>) {
  %y = cim.matmul(%x, %w) {layer = "fc", structure = #cim.structure<groups 1, positions [2], kernel [2], strides [1], dilations [1]>} : (tensor<1x5x6xui8>, tensor<1x6x3xsi4>) -> tensor<1x5x3xsi32>
  func.return
}

// CHECK: 6 inputs and 3 outputs are not those of 3 x 2 blocks

// -----

func.func @packing_axes(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %0 = cim.matmul(%x, %w) {layer = "fc", packing = #cim.packing<groups 1, positions [1, 1]>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: the packing must be for one dimension, that of the vectors

// -----

func.func @conv_packing_axes(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x1x1xf32>) {
  %0 = cim.conv(%x, %w) {layer = "conv", packing = #cim.packing<groups 1, positions [2]>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
  func.return
}

// CHECK: the packing must be for 2 dimensions

// -----

func.func @stored_inputs_packing_axes(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x1x1xf32>) {
  %0 = cim.conv(%x, %w) {layer = "conv", stationary = "inputs", packing = #cim.packing<groups 1, positions [1, 2]>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
  func.return
}

// CHECK: the packing must be for one dimension, that of the outputs

// -----

func.func @stationary(%x: tensor<1x1x3x3xf32>, %w: tensor<1x1x1x1xf32>) {
  %0 = cim.conv(%x, %w) {layer = "conv", stationary = "outputs", strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x1x3x3xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x3x3xf32>
  func.return
}

// CHECK: Expected attribute "inputs" but got "outputs"

// -----

func.func @pack_vectors(%x: tensor<3x5x4xui8>) {
  %0 = cim.pack_vectors %x {packing = #cim.packing<groups 2, positions [2]>} : tensor<3x5x4xui8> -> tensor<2x3x8xui8>
  func.return
}

// CHECK: (3, 5, 4) packs to (2, 3, 16), not to (2, 3, 8)

// -----

func.func @transpose(%x: tensor<3x5x4xui8>) {
  %0 = cim.transpose %x : tensor<3x5x4xui8> -> tensor<3x5x4xui8>
  func.return
}

// CHECK: the result has shape (3, 4, 5) and the same elements

// -----

func.func @input_sum(%x: tensor<3x5x4xui8>) {
  %0 = cim.input_sum %x : tensor<3x5x4xui8> -> tensor<3x5x4xsi32>
  func.return
}

// CHECK: the result has shape (3, 5, 1)

// -----

func.func @window_sum(%x: tensor<1x4x8xui8>) {
  %0 = cim.window_sum %x {kernel = array<i64: 3>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 3 : i64} : tensor<1x4x8xui8> -> tensor<1x3x8xsi32>
  func.return
}

// CHECK: 4 channels in 3 groups do not go with tensor<1x3x8xsi32>

// -----

func.func @subtract_offset(%s: tensor<1x5x10xsi32>, %n: tensor<1x4x1xsi32>, %o: tensor<10xsi32>) {
  %0 = cim.subtract_offset(%s, %n, %o) {axis = 2 : i64} : tensor<1x5x10xsi32>, tensor<1x4x1xsi32>, tensor<10xsi32> -> tensor<1x5x10xsi32>
  func.return
}

// CHECK: sums of inputs (1, 4, 1) do not go with sums (1, 5, 10)

// -----

func.func @subtract(%s: tensor<1x5x10xsi32>, %c: tensor<5x1x10xsi64>) {
  %0 = cim.subtract %s, %c : tensor<1x5x10xsi32>, tensor<5x1x10xsi64> -> tensor<1x5x10xsi32>
  func.return
}

// CHECK: (5, 1, 10) does not spread to (1, 5, 10)

// -----

func.func @crossbars(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %0 = cim.matmul(%x, %w) {layer = "fc", crossbars = 0 : i64} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: expected integer >= 1, got 0

// -----

func.func @vectors(%v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %0 = cim.mvm %v, %c, %s {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, vectors = #cim.vectors<4 to 9 step 2>} : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
  func.return
}

// CHECK: vectors #cim.vectors<4 to 9 step 2> reach beyond the 5 that there are

// -----

func.func @target_adc() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", adc = {bits = 1}>} {
  func.return
}

// CHECK: adc: bits must be a whole number from 2 to 16, got 1

// -----

func.func @target_cells() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", cells = {levels = [1.0, 2.0]}>} {
  func.return
}

// CHECK: cells: levels must hold 4 conductances for 2 bits, got 2

// -----

func.func @target_section_key() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", cells = {noise = 1.0}>} {
  func.return
}

// CHECK: target tiny: cells: unknown key 'noise'; known are drift_exponent,

// -----

func.func @target_energy() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", energy = {adc_pj = -2.0}>} {
  func.return
}

// CHECK: energy: adc_pj must be picojoules from 0 to 1e+12, got -2.0

// -----

func.func @target_energy_key() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", energy = {adc_nj = 2.0}>} {
  func.return
}

// CHECK: target tiny: energy: unknown key 'adc_nj'; known are adc_pj, cell_write_pj,

// -----

func.func @target_endurance() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", endurance = {writes = 0}>} {
  func.return
}

// CHECK: endurance: writes must be a number from 1 on, got 0

// -----

func.func @target_text() attributes {attribute = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset", endurance = {source = "\FF"}>} {
  func.return
}

// CHECK: text must be UTF-8
