// RUN: cimc-opt %s -p 'cim-im2col,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// Weights [outputs, channels, kernel] become a matrix [inputs, outputs], inputs channel by channel.

func.func @conv(%codes: tensor<2x2x3xui8>) -> tensor<2x2x4xsi32> {
  %weight = weights.inline dense<[[[1, 2], [3, 4]], [[5, 6], [7, -8]]]> : tensor<2x2x2xsi4>
  %sums = cim.conv(%codes, %weight) {layer = "conv", aliases = ["/conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64, pad_code = 5 : i64} : (tensor<2x2x3xui8>, tensor<2x2x2xsi4>) -> tensor<2x2x4xsi32>
  func.return %sums : tensor<2x2x4xsi32>
}

// CHECK: func.func @conv(%codes: tensor<2x2x3xui8>) -> tensor<2x2x4xsi32> {
// CHECK-NEXT: %0 = cim.im2col %codes {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, pad_code = 5 : i64} : tensor<2x2x3xui8> -> tensor<1x8x4xui8>
// CHECK-NEXT: %1 = weights.inline dense<[[[1, 5], [2, 6], [3, 7], [4, -8]]]> : tensor<1x4x2xsi4>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "conv", aliases = ["/conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<1x8x4xui8>, tensor<1x4x2xsi4>) -> tensor<1x8x2xsi32>
// CHECK-NEXT: %sums = cim.to_image %2 : tensor<1x8x2xsi32> -> tensor<2x2x4xsi32>
// CHECK-NEXT: func.return %sums : tensor<2x2x4xsi32>

// -----

// Four groups, three to a matrix: blocks on the diagonal, and the last matrix has two blocks to spare.

func.func @packed_groups(%codes: tensor<1x4x3xui8>) -> tensor<1x4x2xsi32> {
  %weight = weights.inline dense<[[[1, 2]], [[3, 4]], [[5, 6]], [[7, -1]]]> : tensor<4x1x2xsi4>
  %sums = cim.conv(%codes, %weight) {layer = "dw", strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 4 : i64, packing = #cim.packing<groups 3, positions [1]>} : (tensor<1x4x3xui8>, tensor<4x1x2xsi4>) -> tensor<1x4x2xsi32>
  func.return %sums : tensor<1x4x2xsi32>
}

// CHECK: func.func @packed_groups
// CHECK-NEXT: cim.im2col %codes {{.*}} : tensor<1x4x3xui8> -> tensor<2x2x6xui8>
// CHECK-NEXT: weights.inline dense<[[[1, 0, 0], [2, 0, 0], [0, 3, 0], [0, 4, 0], [0, 0, 5], [0, 0, 6]], [[7, 0, 0], [-1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]]> : tensor<2x6x3xsi4>
// CHECK-NEXT: cim.matmul{{.*}} : (tensor<2x2x6xui8>, tensor<2x6x3xsi4>) -> tensor<2x2x3xsi32>
// CHECK-NEXT: cim.to_image %{{.*}} : tensor<2x2x3xsi32> -> tensor<1x4x2xsi32>

// -----

// Two groups, each a matrix of its own.

func.func @groups(%codes: tensor<1x2x3xui8>) -> tensor<1x4x2xsi32> {
  %weight = weights.inline dense<[[[1, 2]], [[3, 4]], [[5, 6]], [[7, -1]]]> : tensor<4x1x2xsi4>
  %sums = cim.conv(%codes, %weight) {layer = "dw", strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x3xui8>, tensor<4x1x2xsi4>) -> tensor<1x4x2xsi32>
  func.return %sums : tensor<1x4x2xsi32>
}

// CHECK: func.func @groups
// CHECK-NEXT: cim.im2col %codes {{.*}} : tensor<1x2x3xui8> -> tensor<2x2x2xui8>
// CHECK-NEXT: weights.inline dense<[[[1, 3], [2, 4]], [[5, 7], [6, -1]]]> : tensor<2x2x2xsi4>

// -----

// All vectors of a product go through one matrix.

func.func @matmul(%codes: tensor<2x3x2xui8>) -> tensor<2x3x1xsi32> {
  %weight = weights.inline dense<[[7], [-3]]> : tensor<2x1xsi4>
  %sums = cim.matmul(%codes, %weight) {layer = "fc"} : (tensor<2x3x2xui8>, tensor<2x1xsi4>) -> tensor<2x3x1xsi32>
  func.return %sums : tensor<2x3x1xsi32>
}

// CHECK: func.func @matmul
// CHECK-NEXT: %0 = cim.reshape %codes : tensor<2x3x2xui8> -> tensor<1x6x2xui8>
// CHECK-NEXT: %1 = weights.inline dense<[[[7], [-3]]]> : tensor<1x2x1xsi4>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "fc"} : (tensor<1x6x2xui8>, tensor<1x2x1xsi4>) -> tensor<1x6x1xsi32>
// CHECK-NEXT: %sums = cim.reshape %2 : tensor<1x6x1xsi32> -> tensor<2x3x1xsi32>

// -----

// Heads are matrices; what is computed is reshaped at run time. A product that has this form already stays.

func.func @computed(%queries: tensor<1x2x3x4xui8>, %keys: tensor<1x2x4x5xsi8>, %flat: tensor<2x3x4xui8>, %flat_keys: tensor<2x4x5xsi8>) -> (tensor<1x2x3x5xsi32>, tensor<2x3x5xsi32>) {
  %sums = cim.matmul(%queries, %keys) {layer = "qk"} : (tensor<1x2x3x4xui8>, tensor<1x2x4x5xsi8>) -> tensor<1x2x3x5xsi32>
  %same = cim.matmul(%flat, %flat_keys) {layer = "same"} : (tensor<2x3x4xui8>, tensor<2x4x5xsi8>) -> tensor<2x3x5xsi32>
  func.return %sums, %same : tensor<1x2x3x5xsi32>, tensor<2x3x5xsi32>
}

// CHECK: func.func @computed
// CHECK-NEXT: %0 = cim.reshape %queries : tensor<1x2x3x4xui8> -> tensor<2x3x4xui8>
// CHECK-NEXT: %1 = cim.reshape %keys : tensor<1x2x4x5xsi8> -> tensor<2x4x5xsi8>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "qk"} : (tensor<2x3x4xui8>, tensor<2x4x5xsi8>) -> tensor<2x3x5xsi32>
// CHECK-NEXT: %sums = cim.reshape %2 : tensor<2x3x5xsi32> -> tensor<1x2x3x5xsi32>
// CHECK-NEXT: %same = cim.matmul(%flat, %flat_keys) {layer = "same"}

// -----

func.func @float(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) -> tensor<1x1xf32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'fc' is not quantised yet; run cim-quantize
