// RUN: cimc-opt %s -p cim-select-mapping --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-select-mapping{mapping=any}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix ANY
// RUN: cimc-opt %s -p 'cim-select-mapping{mapping=offset}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix OFFSET
// RUN: cimc-opt %s -p 'cim-select-mapping{mapping=differential-column}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix COLUMN
// RUN: cimc-opt %s -p 'cim-select-mapping{mapping=mixed-digits digits=fewest}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix MIXED
// RUN: cimc-opt %s -p 'cim-select-mapping{mapping=diagonal}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD

// The default target has cells of 4 bits: 1, 1, 2 and 2 digits.

func.func @digits(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %two = cim.matmul(%x, %w) {layer = "two", precision = #cim.precision<weight 2, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  %four = cim.matmul(%x, %w) {layer = "four", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  %five = cim.matmul(%x, %w) {layer = "five", precision = #cim.precision<weight 5, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  %eight = cim.matmul(%x, %w) {layer = "eight", precision = #cim.precision<weight 8, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: func.func @digits
// CHECK-NEXT: layer = "two", precision = #cim.precision<weight 2, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>}
// CHECK-NEXT: layer = "four", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>}
// CHECK-NEXT: layer = "five", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}
// CHECK-NEXT: layer = "eight", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}

// OFFSET: layer = "eight", {{.*}}encoding = #cim.encoding<"offset", cell_bits 4, slices 2>}

// BAD: the mapping must be one of differential-column, differential-row, mixed-digits, offset or any, got 'diagonal'

// -----

// Crossbars of 4x4, cells of 2 bits. Tiles by column pairs, row pairs, offset:
//   wide:   2 inputs, 2 outputs of 2 digits: 8 columns, 2 tiles;  4 rows, 4 columns, 1 tile;  5 columns, 2 tiles
//   tall:   4 inputs, 1 output of 2 digits:  4 columns, 1 tile;   8 rows, 2 tiles;            3 columns, 1 tile
//   narrow: 4 inputs, 3 outputs of 1 digit:  6 columns, 2 tiles;  8 rows, 2 tiles;            4 columns, 1 tile

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @any(%x2: tensor<1x2xf32>, %x4: tensor<1x4xf32>, %wide: tensor<2x2xf32>, %tall: tensor<4x1xf32>, %narrow: tensor<4x3xf32>) {
    %0 = cim.matmul(%x2, %wide) {layer = "wide", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
    %1 = cim.matmul(%x4, %tall) {layer = "tall", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
    %2 = cim.matmul(%x4, %narrow) {layer = "narrow", precision = #cim.precision<weight 2, activation 8>} : (tensor<1x4xf32>, tensor<4x3xf32>) -> tensor<1x3xf32>
    func.return
  }
}

// CHECK: func.func @any
// CHECK-NEXT: layer = "wide", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>}
// CHECK-NEXT: layer = "tall", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>}
// CHECK-NEXT: layer = "narrow", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 2, slices 1>}

// ANY: func.func @any
// ANY-NEXT: layer = "wide", {{.*}}encoding = #cim.encoding<"differential-row", cell_bits 2, slices 2>}
// ANY-NEXT: layer = "tall", {{.*}}encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>}
// ANY-NEXT: layer = "narrow", {{.*}}encoding = #cim.encoding<"offset", cell_bits 2, slices 1>}

// -----

// The target's own mapping. Five columns do not hold pairs: 1 output of 2 digits takes 4 columns, but `any` must
// not choose them.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 5, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "offset">} {
  func.func @odd(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) {
    %0 = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
    func.return
  }
}

// CHECK: func.func @odd
// CHECK-NEXT: encoding = #cim.encoding<"offset", cell_bits 2, slices 2>}
// ANY: func.func @odd
// ANY-NEXT: encoding = #cim.encoding<"differential-row", cell_bits 2, slices 2>}
// COLUMN: the differential-column mapping needs pairs, but crossbars of tiny have 4 rows and 5 columns

// -----

// Inputs that are stored have no sign after the ReLU: they need no pair. The paper's digits are those of weights.

func.func @inputs(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %r = onnx.Relu(%x) : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %0 = cim.matmul(%r, %w) {layer = "signless", precision = #cim.precision<weight 8, activation 6>, stationary = "inputs"} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  %1 = cim.matmul(%x, %w) {layer = "signed", precision = #cim.precision<weight 8, activation 6>, stationary = "inputs"} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: layer 'signless' stores its inputs, and the paper's digits are those of weights; take digits=fewest
// MIXED: func.func @inputs
// MIXED: layer = "signless", {{.*}}encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>}
// MIXED-NEXT: layer = "signed", {{.*}}encoding = #cim.encoding<"mixed-digits", cell_bits 4, slices 2>}

// -----

func.func @no_precision(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %0 = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: layer 'fc' has no precision; assign one first
