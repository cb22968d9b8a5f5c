// RUN: cimc-opt %s -p cim-pack-groups --split-input-file --verify-diagnostics | filecheck %s

// Depthwise 3x3 in crossbars of 256x256: 9 rows and 1 x 2 digits x 2 columns a group; 256 / 9 = 28 by rows,
// 256 / 4 = 64 by columns.

func.func @by_rows(%x: tensor<1x64x8x8xf32>, %weight: tensor<64x1x3x3xf32>) -> tensor<1x64x6x6xf32> {
  %y = cim.conv(%x, %weight) {layer = "dw", precision = #cim.precision<weight 8, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 64 : i64} : (tensor<1x64x8x8xf32>, tensor<64x1x3x3xf32>) -> tensor<1x64x6x6xf32>
  func.return %y : tensor<1x64x6x6xf32>
}

// CHECK: func.func @by_rows
// CHECK-NEXT: %y = cim.conv(%x, %weight) {layer = "dw", {{.*}}groups = 64 : i64, packing = #cim.packing<groups 28, positions [1, 1]>}

// -----

// The pairs of rows of this mapping: 256 / 18 = 14.

func.func @pairs_of_rows(%x: tensor<1x64x8x8xf32>, %weight: tensor<64x1x3x3xf32>) -> tensor<1x64x6x6xf32> {
  %y = cim.conv(%x, %weight) {layer = "dw", encoding = #cim.encoding<"differential-row", cell_bits 4, slices 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 64 : i64} : (tensor<1x64x8x8xf32>, tensor<64x1x3x3xf32>) -> tensor<1x64x6x6xf32>
  func.return %y : tensor<1x64x6x6xf32>
}

// CHECK: func.func @pairs_of_rows
// CHECK-NEXT: packing = #cim.packing<groups 14, positions [1, 1]>

// -----

// 4 rows by 4 columns: a group of one input and one output takes 1 row and, of the columns, 1 digit; one column
// is left for the unit column.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @unit_column(%x: tensor<1x6x4xf32>, %weight: tensor<6x1x1xf32>) -> tensor<1x6x4xf32> {
    %y = cim.conv(%x, %weight) {layer = "dw", encoding = #cim.encoding<"offset", cell_bits 2, slices 1>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 6 : i64} : (tensor<1x6x4xf32>, tensor<6x1x1xf32>) -> tensor<1x6x4xf32>
    func.return %y : tensor<1x6x4xf32>
  }
}

// CHECK: func.func @unit_column
// CHECK-NEXT: packing = #cim.packing<groups 3, positions [1]>

// -----

// No more than there are; one at least, however large a group is.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @bounds(%x: tensor<1x2x4xf32>, %few: tensor<2x1x1xf32>, %large: tensor<2x1x3xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x2xf32>) {
    %y = cim.conv(%x, %few) {layer = "few", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 1>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
    %z = cim.conv(%x, %large) {layer = "large", encoding = #cim.encoding<"differential-row", cell_bits 2, slices 8>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64, packing = #cim.packing<groups 2, positions [1]>} : (tensor<1x2x4xf32>, tensor<2x1x3xf32>) -> tensor<1x2x2xf32>
    func.return %y, %z : tensor<1x2x4xf32>, tensor<1x2x2xf32>
  }
}

// CHECK: func.func @bounds
// CHECK-NEXT: layer = "few", {{.*}}packing = #cim.packing<groups 2, positions [1]>}
// CHECK-NEXT: layer = "large"
// CHECK-NOT: packing
// CHECK: func.return

// -----

// A convolution that is not grouped needs no encoding yet.

func.func @one_group(%x: tensor<1x2x4xf32>, %weight: tensor<3x2x1xf32>) -> tensor<1x3x4xf32> {
  %y = cim.conv(%x, %weight) {layer = "conv", strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x2x4xf32>, tensor<3x2x1xf32>) -> tensor<1x3x4xf32>
  func.return %y : tensor<1x3x4xf32>
}

// CHECK: func.func @one_group
// CHECK-NOT: packing
// CHECK: func.return

// -----

func.func @no_encoding(%x: tensor<1x2x4xf32>, %weight: tensor<2x1x1xf32>) -> tensor<1x2x4xf32> {
  %y = cim.conv(%x, %weight) {layer = "dw", strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: layer 'dw' has no encoding; select a mapping first
