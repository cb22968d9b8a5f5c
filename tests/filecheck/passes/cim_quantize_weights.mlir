// RUN: cimc-opt %s -p 'cim-quantize-weights,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// Four bits hold -7..7. Scales are the largest magnitudes of each output over 7, here 3.5 / 7 and 14 / 7;
// halves are rounded to even: 0.25 / 0.5 to 0, 1.25 / 0.5 to 2, 3 / 2 to 2, 5 / 2 to 2, -7 / 2 to -4.

func.func @matmul(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[3.5, 3.0], [0.25, -14.0], [-1.25, 5.0]]> : tensor<3x2xf32>
  %y = cim.matmul(%x, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @matmul(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT: %0 = weights.inline dense<[[7, 2], [0, -7], [-2, 2]]> : tensor<3x2xsi4>
// CHECK-NEXT: %1 = weights.inline dense<[5.000000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = cim.matmul(%x, %0 scale %1) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x3xf32>, tensor<3x2xsi4> scale tensor<2xf32>) -> tensor<1x2xf32>
// CHECK-NEXT: func.return

// -----

// A channel of zeros has scale 1. Two bits hold -1..1.

func.func @conv(%x: tensor<1x1x4xf32>) -> tensor<1x2x2xf32> {
  %weight = weights.inline dense<[[[0.0, 0.0, 0.0]], [[-3.0, 1.0, 2.0]]]> : tensor<2x1x3xf32>
  %bias = weights.inline dense<[0.5, 1.5]> : tensor<2xf32>
  %y = cim.conv(%x, %weight bias %bias) {layer = "conv", precision = #cim.precision<weight 2, activation 8>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<2x1x3xf32> bias tensor<2xf32>) -> tensor<1x2x2xf32>
  func.return %y : tensor<1x2x2xf32>
}

// CHECK: func.func @conv
// CHECK: %0 = weights.inline dense<[{{\[\[}}0, 0, 0{{\]\]}}, {{\[\[}}-1, 0, 1{{\]\]}}]> : tensor<2x1x3xsi2>
// CHECK-NEXT: %1 = weights.inline dense<[1.000000e+00, 3.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = cim.conv(%x, %0 scale %1 bias %bias)

// -----

// Codes of the file that fit are kept, the full range with -8 as well.

func.func @kept(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<[[-8], [7]]> : tensor<2x1xsi4>
  %scale = weights.inline dense<0.25> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xf32>, tensor<2x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: func.func @kept
// CHECK: %y = cim.matmul(%x, %weight scale %scale) {layer = "fc"

// -----

// In three bits these codes do not fit: -8 * 0.25 and 7 * 0.25 become codes of scale 2 / 3,
// -2 / (2 / 3) = -3 and 1.75 / (2 / 3) = 2.625.

func.func @requantised(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<[[-8], [7]]> : tensor<2x1xsi4>
  %scale = weights.inline dense<0.25> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 3, activation 8>} : (tensor<1x2xf32>, tensor<2x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: func.func @requantised
// CHECK-NEXT: weights.inline dense<[[-3], [3]]> : tensor<2x1xsi3>
// CHECK-NEXT: weights.inline dense<0.666666687> : tensor<1xf32>

// -----

// Codes that span little, but far from 0, do not fit either: 100 has seven bits.

func.func @far_from_zero(%x: tensor<1x1xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[100, -50]]> : tensor<1x2xsi8>
  %scale = weights.inline dense<0.07> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x1xf32>, tensor<1x2xsi8> scale tensor<1xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @far_from_zero
// CHECK-NEXT: weights.inline dense<[[7, -7]]> : tensor<1x2xsi4>
// CHECK-NEXT: weights.inline dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf32>

// -----

// What is computed is quantised at run time.

func.func @computed(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) -> tensor<1x1xf32> {
  %y = cim.matmul(%x, %w) {layer = "qk", precision = #cim.precision<weight 3, activation 8>} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: func.func @computed
// CHECK-NEXT: %y = cim.matmul(%x, %w) {layer = "qk"

// -----

func.func @no_precision(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<1.0> : tensor<1x1xf32>
  %y = cim.matmul(%x, %weight) {layer = "fc"} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'fc' has no precision; assign one first
