// RUN: cimc-opt %s -p 'onnx-fold-batch-norm,weights-inline' --split-input-file | filecheck %s

// factor = scale / sqrt(variance + epsilon): 4 / sqrt(3.75 + 0.25) = 2 and 3 / sqrt(8.75 + 0.25) = 1.
// Weights 2 * 1, 2 * 3, 1 * -4, 1 * 0.5; biases (1 - 3) * 2 + 10 and (2 - 1) * 1 - 5.

func.func @with_bias(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %weight = weights.inline dense<[[[[1.0]], [[3.0]]], [[[-4.0]], [[0.5]]]]> : tensor<2x2x1x1xf32>
  %bias = weights.inline dense<[1.0, 2.0]> : tensor<2xf32>
  %scale = weights.inline dense<[4.0, 3.0]> : tensor<2xf32>
  %shift = weights.inline dense<[10.0, -5.0]> : tensor<2xf32>
  %mean = weights.inline dense<[3.0, 1.0]> : tensor<2xf32>
  %variance = weights.inline dense<[3.75, 8.75]> : tensor<2xf32>
  %c = onnx.Conv(%x, %weight, %bias) {strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %y = onnx.BatchNormalization(%c, %scale, %shift, %mean, %variance) {epsilon = 0.25 : f32} : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  func.return %y : tensor<1x2x4x4xf32>
}

// CHECK: func.func @with_bias(%x: tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> {
// CHECK-NEXT: %0 = weights.inline dense<[{{\[\[\[}}2.000000e+00{{\]\], \[\[}}6.000000e+00{{\]\]\], \[\[\[}}-4.000000e+00{{\]\], \[\[}}5.000000e-01{{\]\]\]}}]> : tensor<2x2x1x1xf32>
// CHECK-NEXT: %1 = weights.inline dense<[6.000000e+00, -4.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = onnx.Conv(%x, %0, %1) {strides = array<i64: 1, 1>} : (tensor<1x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
// CHECK-NEXT: func.return %y

// -----

// Without a bias: (0 - 3) * 2 + 10. The convolution keeps its weights where another uses them.

func.func @without_bias(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  %weight = weights.inline dense<1.5> : tensor<1x1x1xf32>
  %scale = weights.inline dense<4.0> : tensor<1xf32>
  %shift = weights.inline dense<10.0> : tensor<1xf32>
  %mean = weights.inline dense<3.0> : tensor<1xf32>
  %variance = weights.inline dense<3.75> : tensor<1xf32>
  %c = onnx.Conv(%x, %weight) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %y = onnx.BatchNormalization(%c, %scale, %shift, %mean, %variance) {epsilon = 0.25 : f32} : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %other = onnx.Conv(%x, %weight) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  func.return %y, %other : tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// CHECK: func.func @without_bias
// CHECK-NEXT: %weight = weights.inline dense<1.500000e+00> : tensor<1x1x1xf32>
// CHECK-NEXT: %0 = weights.inline dense<3.000000e+00> : tensor<1x1x1xf32>
// CHECK-NEXT: %1 = weights.inline dense<4.000000e+00> : tensor<1xf32>
// CHECK-NEXT: %y = onnx.Conv(%x, %0, %1) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
// CHECK-NEXT: %other = onnx.Conv(%x, %weight) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>

// -----

// Two users of the convolution, no convolution at all, or weights that are quantised in the file: all stay.

func.func @kept(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  %one = weights.inline dense<1.0> : tensor<1xf32>
  %weight = weights.inline dense<1.5> : tensor<1x1x1xf32>
  %codes = weights.inline dense<3> : tensor<1x1x1xi8>
  %step = weights.inline dense<0.5> : tensor<f32>
  %c = onnx.Conv(%x, %weight) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %used_twice = onnx.BatchNormalization(%c, %one, %one, %one, %one) : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %alone = onnx.BatchNormalization(%x, %one, %one, %one, %one) : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %dequantised = onnx.DequantizeLinear(%codes, %step) : (tensor<1x1x1xi8>, tensor<f32>) -> tensor<1x1x1xf32>
  %q = onnx.Conv(%x, %dequantised) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %quantised = onnx.BatchNormalization(%q, %one, %one, %one, %one) : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  func.return %c, %used_twice, %alone, %quantised : tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// CHECK: func.func @kept
// CHECK: %c = onnx.Conv(%x, %weight)
// CHECK-NEXT: %used_twice = onnx.BatchNormalization(%c, %one, %one, %one, %one)
// CHECK-NEXT: %alone = onnx.BatchNormalization(%x, %one, %one, %one, %one)
// CHECK-NEXT: %dequantised = onnx.DequantizeLinear(%codes, %step)
// CHECK-NEXT: %q = onnx.Conv(%x, %dequantised)
// CHECK-NEXT: %quantised = onnx.BatchNormalization(%q, %one, %one, %one, %one)
