// RUN: cimc-opt %s -p cim-pack --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-pack{covers=none}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix NONE
// RUN: cimc-opt %s -p 'cim-pack{covers=some}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD
// BAD: cim-pack: covers must be known or none, got 'some'
// RUN: cimc-opt %s -p cim-pack,cim-pack --split-input-file --verify-diagnostics | filecheck %s

// 64 outputs of two digits take half of the columns: two positions fill them, and share 6 of 12 pixels.

func.func @positions(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = weights.load @w : tensor<64x64x3x3xf32>
  %y = cim.conv(%x, %w) {layer = "conv2", precision = #cim.precision<weight 8, activation 4>, encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y : tensor<1x64x56x56xf32>
}

// CHECK: func.func @positions
// CHECK: layer = "conv2", {{.*}}packing = #cim.packing<groups 1, positions [1, 2]>

// -----

// The digits that the layer has count: two pairs, although one would do, fill all columns.

func.func @digits(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = weights.load @w : tensor<64x64x3x3xf32>
  %y = cim.conv(%x, %w) {layer = "conv2", precision = #cim.precision<weight 5, activation 4>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y : tensor<1x64x56x56xf32>
}

// CHECK: func.func @digits
// CHECK: cim.conv
// CHECK-NOT: packing
// CHECK: func.return

// -----

// Heads on the diagonal: 4 x 64 rows and 4 x 50 columns fit 256 x 256; so do three times four.

func.func @heads(%q: tensor<1x12x50x64xf32>, %k: tensor<1x12x64x50xf32>) -> tensor<1x12x50x50xf32> {
  %s = cim.matmul(%q, %k) {layer = "qk", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<1x12x50x64xf32>, tensor<1x12x64x50xf32>) -> tensor<1x12x50x50xf32>
  func.return %s : tensor<1x12x50x50xf32>
}

// CHECK: func.func @heads
// CHECK: packing = #cim.packing<groups {{4|8|12}}, positions [1]>

// -----

// Several vectors of a small matrix; what fills a crossbar by itself, and what has a packing, stays as it is.

func.func @vectors(%x: tensor<64x16xf32>, %z: tensor<1x512xf32>) {
  %small = weights.load @small : tensor<16x16xf32>
  %large = weights.load @large : tensor<512x512xf32>
  %0 = cim.matmul(%x, %small) {layer = "small", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<64x16xf32>, tensor<16x16xf32>) -> tensor<64x16xf32>
  %1 = cim.matmul(%z, %large) {layer = "large", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  %2 = cim.matmul(%x, %small) {layer = "given", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>, packing = #cim.packing<groups 1, positions [3]>} : (tensor<64x16xf32>, tensor<16x16xf32>) -> tensor<64x16xf32>
  func.return
}

// CHECK: func.func @vectors
// CHECK: layer = "small", {{.*}}packing = #cim.packing<groups 1, positions [16]>
// CHECK-NEXT: layer = "large", {{.*}}digital>} :
// CHECK-NEXT: layer = "given", {{.*}}positions [3]>

// -----

func.func @no_encoding(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %0 = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: layer 'fc' has no encoding; select a mapping first

// -----

// Four pixels and four positions fill a crossbar: a cover of a patch of 4 x 4 takes 13 tiles, columns in turn 16.

func.func @cover(%x: tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32> {
  %w = weights.load @w : tensor<64x64x3x3xf32>
  %y = cim.conv(%x, %w) {layer = "covered", precision = #cim.precision<weight 4, activation 4>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return %y : tensor<1x64x56x56xf32>
}

// CHECK: layer = "covered", {{.*}}packing = #cim.packing<groups 1, positions [4, 4], covered>
// NONE: layer = "covered", {{.*}}packing = #cim.packing<groups 1, positions [{{[0-9]}}, {{[0-9]}}]>
