// RUN: cimc-opt %s -p 'cim-encode,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// Two digits of two bits, the lower first, each in a pair of columns of which one is 0:
// 7 = 3 + 4 * 1, -3 = -(3 + 4 * 0), -8 = -(0 + 4 * 2), 5 = 1 + 4 * 1.

func.func @differential_column(%codes: tensor<1x3x2xui8>) -> tensor<1x3x2xsi32> {
  %weight = weights.inline dense<[[[7, -3], [-8, 5]]]> : tensor<1x2x2xsi4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : (tensor<1x3x2xui8>, tensor<1x2x2xsi4>) -> tensor<1x3x2xsi32>
  func.return %sums : tensor<1x3x2xsi32>
}

// CHECK: func.func @differential_column(%codes: tensor<1x3x2xui8>) -> tensor<1x3x2xsi32> {
// CHECK-NEXT: %0 = weights.inline dense<[[[3, 0, 1, 0, 0, 3, 0, 0], [0, 0, 0, 2, 1, 0, 1, 0]]]> : tensor<1x2x8xui2>
// CHECK-NEXT: %1 = cim.zeros : tensor<1x3x2xsi32>
// CHECK-NEXT: %sums = cim.mvm %codes, %0, %1 {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x3x2xui8>, tensor<1x2x8xui2>, tensor<1x3x2xsi32>
// CHECK-NEXT: func.return %sums : tensor<1x3x2xsi32>

// -----

// The same weights with the pairs in rows: positive parts, then the magnitudes of negative ones.

func.func @differential_row(%codes: tensor<1x3x2xui8>) -> tensor<1x3x2xsi32> {
  %weight = weights.inline dense<[[[7, -3], [-8, 5]]]> : tensor<1x2x2xsi4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", encoding = #cim.encoding<"differential-row", cell_bits 2, slices 2>} : (tensor<1x3x2xui8>, tensor<1x2x2xsi4>) -> tensor<1x3x2xsi32>
  func.return %sums : tensor<1x3x2xsi32>
}

// CHECK: func.func @differential_row
// CHECK-NEXT: %0 = weights.inline dense<[[[3, 1, 0, 0], [0, 0, 3, 0], [0, 0, 1, 1], [0, 2, 0, 0]]]> : tensor<1x4x4xui2>
// CHECK-NEXT: %1 = cim.zeros : tensor<1x3x2xsi32>
// CHECK-NEXT: %sums = cim.mvm %codes, %0, %1 {layer = "fc", encoding = #cim.encoding<"differential-row", cell_bits 2, slices 2>} : tensor<1x3x2xui8>, tensor<1x4x4xui2>, tensor<1x3x2xsi32>

// -----

// With 8 added, 15 = 3 + 4 * 3, 5 = 1 + 4 * 1, 0, 13 = 1 + 4 * 3; the last column is the unit column, and the
// last sum that of the inputs.

func.func @offset(%codes: tensor<1x3x2xui8>) -> tensor<1x3x2xsi32> {
  %weight = weights.inline dense<[[[7, -3], [-8, 5]]]> : tensor<1x2x2xsi4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 2, slices 2>} : (tensor<1x3x2xui8>, tensor<1x2x2xsi4>) -> tensor<1x3x2xsi32>
  func.return %sums : tensor<1x3x2xsi32>
}

// CHECK: func.func @offset
// CHECK-NEXT: %0 = weights.inline dense<8> : tensor<2xsi32>
// CHECK-NEXT: %1 = weights.inline dense<[[[3, 3, 1, 1, 1], [0, 0, 1, 3, 1]]]> : tensor<1x2x5xui2>
// CHECK-NEXT: %2 = cim.zeros : tensor<1x3x3xsi32>
// CHECK-NEXT: %3 = cim.mvm %codes, %1, %2 {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 2, slices 2>} : tensor<1x3x2xui8>, tensor<1x2x5xui2>, tensor<1x3x3xsi32>
// CHECK-NEXT: %sums = cim.remove_offset %3, %0 : tensor<1x3x3xsi32>, tensor<2xsi32> -> tensor<1x3x2xsi32>
// CHECK-NEXT: func.return %sums : tensor<1x3x2xsi32>

// -----

// Codes that are never negative need no offset, only its form.

func.func @unsigned_weights(%codes: tensor<1x1x2xui8>) -> tensor<1x1x1xsi32> {
  %weight = weights.inline dense<[[[14], [3]]]> : tensor<1x2x1xui4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 2, slices 2>} : (tensor<1x1x2xui8>, tensor<1x2x1xui4>) -> tensor<1x1x1xsi32>
  func.return %sums : tensor<1x1x1xsi32>
}

// CHECK: func.func @unsigned_weights
// CHECK-NEXT: weights.inline dense<0> : tensor<1xsi32>
// CHECK-NEXT: weights.inline dense<[[[2, 3, 1], [3, 0, 1]]]> : tensor<1x2x3xui2>

// -----

// Four-bit codes with zero points 2 and 13, already taken off: each output has the offset that its own codes
// need, 15 = 3 + 4 * 3.

func.func @zero_points_of_weights(%codes: tensor<1x1x2xui8>) -> tensor<1x1x2xsi32> {
  %weight = weights.inline dense<[[[-2, -13], [13, 2]]]> : tensor<1x2x2xsi5>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 2, slices 2>} : (tensor<1x1x2xui8>, tensor<1x2x2xsi5>) -> tensor<1x1x2xsi32>
  func.return %sums : tensor<1x1x2xsi32>
}

// CHECK: func.func @zero_points_of_weights
// CHECK-NEXT: weights.inline dense<[{{\[}}2, 13{{\]}}]> : tensor<1x2xsi32>
// CHECK-NEXT: weights.inline dense<[[[0, 0, 0, 0, 1], [3, 3, 3, 3, 1]]]> : tensor<1x2x5xui2>

// -----

// The same with two groups, which are matrices with offsets of their own.

func.func @zero_points_of_groups(%codes: tensor<2x1x2xui8>) -> tensor<2x1x1xsi32> {
  %weight = weights.inline dense<[[[-2], [13]], [[-13], [2]]]> : tensor<2x2x1xsi5>
  %sums = cim.matmul(%codes, %weight) {layer = "dw", encoding = #cim.encoding<"offset", cell_bits 2, slices 2>} : (tensor<2x1x2xui8>, tensor<2x2x1xsi5>) -> tensor<2x1x1xsi32>
  func.return %sums : tensor<2x1x1xsi32>
}

// CHECK: func.func @zero_points_of_groups
// CHECK-NEXT: %0 = weights.inline dense<[{{\[}}2{{\]}}, {{\[}}13{{\]}}]> : tensor<2x1xsi32>
// CHECK-NEXT: weights.inline dense<[[[0, 0, 1], [3, 3, 1]], [[0, 0, 1], [3, 3, 1]]]> : tensor<2x2x3xui2>
// CHECK: %sums = cim.remove_offset %{{[0-9]+}}, %0 : tensor<2x1x2xsi32>, tensor<2x1xsi32> -> tensor<2x1x1xsi32>

// -----

// Each head of an attention product is a matrix of its own.

func.func @matrices(%codes: tensor<2x1x1xui8>) -> tensor<2x1x1xsi32> {
  %weight = weights.inline dense<[[[1]], [[-1]]]> : tensor<2x1x1xsi2>
  %sums = cim.matmul(%codes, %weight) {layer = "heads", encoding = #cim.encoding<"differential-column", cell_bits 1, slices 2>} : (tensor<2x1x1xui8>, tensor<2x1x1xsi2>) -> tensor<2x1x1xsi32>
  func.return %sums : tensor<2x1x1xsi32>
}

// CHECK: func.func @matrices
// CHECK-NEXT: weights.inline dense<[[[1, 0, 0, 0]], [[0, 1, 0, 0]]]> : tensor<2x1x4xui1>

// -----

// A stored operand that is computed is encoded at run time.

func.func @computed(%codes: tensor<2x3x4xui8>, %keys: tensor<2x4x5xsi8>) -> tensor<2x3x5xsi32> {
  %sums = cim.matmul(%codes, %keys) {layer = "qk", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : (tensor<2x3x4xui8>, tensor<2x4x5xsi8>) -> tensor<2x3x5xsi32>
  func.return %sums : tensor<2x3x5xsi32>
}

// CHECK: func.func @computed
// CHECK-NEXT: %0 = cim.encode %keys {encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<2x4x5xsi8> -> tensor<2x4x20xui4>
// CHECK-NEXT: %1 = cim.zeros : tensor<2x3x5xsi32>
// CHECK-NEXT: %sums = cim.mvm %codes, %0, %1 {layer = "qk", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>} : tensor<2x3x4xui8>, tensor<2x4x20xui4>, tensor<2x3x5xsi32>

// -----

// Codes 0..15 less 3 lie in -3..12: 3 is enough of an offset, and 15 the largest code.

func.func @computed_with_offset(%codes: tensor<1x3x4xui8>, %keys: tensor<4x5xui4>) -> tensor<1x3x5xsi32> {
  %centered = cim.recenter %keys {zero_point = 3 : i64} : tensor<4x5xui4> -> tensor<4x5xsi5>
  %matrix = cim.reshape %centered : tensor<4x5xsi5> -> tensor<1x4x5xsi5>
  %sums = cim.matmul(%codes, %matrix) {layer = "qk", encoding = #cim.encoding<"offset", cell_bits 4, slices 1>} : (tensor<1x3x4xui8>, tensor<1x4x5xsi5>) -> tensor<1x3x5xsi32>
  func.return %sums : tensor<1x3x5xsi32>
}

// CHECK: func.func @computed_with_offset
// CHECK: %0 = weights.inline dense<3> : tensor<5xsi32>
// CHECK-NEXT: %1 = cim.encode %matrix offset %0 {encoding = #cim.encoding<"offset", cell_bits 4, slices 1>} : tensor<1x4x5xsi5> offset tensor<5xsi32> -> tensor<1x4x6xui4>
// CHECK-NEXT: %2 = cim.zeros : tensor<1x3x6xsi32>
// CHECK: %sums = cim.remove_offset %{{[0-9]+}}, %0 : tensor<1x3x6xsi32>, tensor<5xsi32> -> tensor<1x3x5xsi32>

// -----

func.func @too_large(%codes: tensor<1x1x1xui8>) -> tensor<1x1x1xsi32> {
  %weight = weights.inline dense<-8> : tensor<1x1x1xsi4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 1>} : (tensor<1x1x1xui8>, tensor<1x1x1xsi4>) -> tensor<1x1x1xsi32>
  func.return %sums : tensor<1x1x1xsi32>
}

// CHECK: layer 'fc': weights from -8 to 0 do not fit 1 digits of 2 bits in the differential-column mapping

// -----

func.func @no_encoding(%codes: tensor<1x1x1xui8>, %weight: tensor<1x1x1xsi4>) -> tensor<1x1x1xsi32> {
  %sums = cim.matmul(%codes, %weight) {layer = "fc"} : (tensor<1x1x1xui8>, tensor<1x1x1xsi4>) -> tensor<1x1x1xsi32>
  func.return %sums : tensor<1x1x1xsi32>
}

// CHECK: layer 'fc' has no encoding; run cim-select-mapping

// -----

func.func @no_matrix_view(%codes: tensor<1x1xui8>, %weight: tensor<1x1xsi4>) -> tensor<1x1xsi32> {
  %sums = cim.matmul(%codes, %weight) {layer = "fc"} : (tensor<1x1xui8>, tensor<1x1xsi4>) -> tensor<1x1xsi32>
  func.return %sums : tensor<1x1xsi32>
}

// CHECK: layer 'fc' is no product of matrices of codes; run cim-im2col
