// RUN: cimc-opt %s -p 'cim-swap-operands,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

func.func @swapped(%x: tensor<12x50x40xui4>, %w: tensor<12x40x64xsi7>) -> tensor<12x50x64xsi32> {
  %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs", packing = #cim.packing<groups 2, positions [1]>} : (tensor<12x50x40xui4>, tensor<12x40x64xsi7>) -> tensor<12x50x64xsi32>
  func.return %y : tensor<12x50x64xsi32>
}

// CHECK: func.func @swapped
// CHECK-NEXT: %0 = cim.transpose %w : tensor<12x40x64xsi7> -> tensor<12x64x40xsi7>
// CHECK-NEXT: %1 = cim.transpose %x : tensor<12x50x40xui4> -> tensor<12x40x50xui4>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "av", packing = #cim.packing<groups 2, positions [1]>} : (tensor<12x64x40xsi7>, tensor<12x40x50xui4>) -> tensor<12x64x50xsi32>
// CHECK-NEXT: %y = cim.transpose %2 : tensor<12x64x50xsi32> -> tensor<12x50x64xsi32>

// -----

// Constant weights are vectors from the start. One matrix serves all vectors of the batch.

func.func @constant(%x: tensor<2x3x2xui4>) -> tensor<2x3x1xsi32> {
  %w = weights.inline dense<[[1], [-2]]> : tensor<2x1xsi4>
  %y = cim.matmul(%x, %w) {layer = "fc", stationary = "inputs"} : (tensor<2x3x2xui4>, tensor<2x1xsi4>) -> tensor<2x3x1xsi32>
  func.return %y : tensor<2x3x1xsi32>
}

// CHECK: func.func @constant
// CHECK-NEXT: %0 = weights.inline dense<[[[1, -2]]]> : tensor<1x1x2xsi4>
// CHECK-NEXT: %1 = cim.reshape %x : tensor<2x3x2xui4> -> tensor<1x6x2xui4>
// CHECK-NEXT: %2 = cim.transpose %1 : tensor<1x6x2xui4> -> tensor<1x2x6xui4>
// CHECK-NEXT: %3 = cim.matmul(%0, %2) {layer = "fc"} : (tensor<1x1x2xsi4>, tensor<1x2x6xui4>) -> tensor<1x1x6xsi32>
// CHECK-NEXT: %4 = cim.transpose %3 : tensor<1x1x6xsi32> -> tensor<1x6x1xsi32>
// CHECK-NEXT: %y = cim.reshape %4 : tensor<1x6x1xsi32> -> tensor<2x3x1xsi32>

// -----

// A convolution stores the vectors of its windows, a matrix for each group; its packing is that of its outputs.

func.func @conv(%x: tensor<1x4x3xui8>) -> tensor<1x4x3xsi32> {
  %w = weights.inline dense<[[[1, 2], [3, 4]], [[5, 6], [7, -8]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]]> : tensor<4x2x2xsi4>
  %y = cim.conv(%x, %w) {layer = "conv", aliases = ["/conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>, stationary = "inputs", packing = #cim.packing<groups 1, positions [2]>, strides = array<i64: 1>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, groups = 2 : i64, pad_code = 5 : i64} : (tensor<1x4x3xui8>, tensor<4x2x2xsi4>) -> tensor<1x4x3xsi32>
  func.return %y : tensor<1x4x3xsi32>
}

// CHECK: func.func @conv
// CHECK-NEXT: %0 = weights.inline dense<[[[1, 2, 3, 4], [5, 6, 7, -8]], [[1, 0, 0, 0], [0, 0, 0, 1]]]> : tensor<2x2x4xsi4>
// CHECK-NEXT: %1 = cim.im2col %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 0>, dilations = array<i64: 1>, pad_code = 5 : i64} : tensor<1x4x3xui8> -> tensor<2x3x4xui8>
// CHECK-NEXT: %2 = cim.transpose %1 : tensor<2x3x4xui8> -> tensor<2x4x3xui8>
// CHECK-NEXT: %3 = cim.matmul(%0, %2) {layer = "conv", aliases = ["/conv"], precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>, packing = #cim.packing<groups 1, positions [2]>} : (tensor<2x2x4xsi4>, tensor<2x4x3xui8>) -> tensor<2x2x3xsi32>
// CHECK-NEXT: %4 = cim.transpose %3 : tensor<2x2x3xsi32> -> tensor<2x3x2xsi32>
// CHECK-NEXT: %y = cim.to_image %4 : tensor<2x3x2xsi32> -> tensor<1x4x3xsi32>

// -----

// Weights that are stored stay.

func.func @weights(%x: tensor<1x2xui4>, %w: tensor<2x1xsi4>) -> tensor<1x1xsi32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x2xui4>, tensor<2x1xsi4>) -> tensor<1x1xsi32>
  func.return %y : tensor<1x1xsi32>
}

// CHECK: func.func @weights
// CHECK-NEXT: cim.matmul(%x, %w) {layer = "fc"}

// -----

func.func @floats(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) -> tensor<1x1xf32> {
  %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs"} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'av' is not quantised yet; run cim-quantize
