// RUN: cimc-opt %s | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @load() {
  %weight = weights.load @conv1.weight : tensor<64x3x7x7xf32>
  %odd_name = weights.load @"onnx::Conv_12" : tensor<2x2xsi4>
  %checked = weights.load @conv1.weight digest "6f7a0d3b5b1e90cc" : tensor<64x3x7x7xf32>
  func.return
}

func.func @inline() {
  %scale = weights.inline dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
  %codes = weights.inline dense<[[7, -8], [0, 1]]> : tensor<2x2xsi4>
  %zeros = weights.inline dense<0> : tensor<3xui8>
  %scalar = weights.inline dense<3> : tensor<i64>
  %mask = weights.inline dense<[true, false]> : tensor<2xi1>
  func.return
}

// CHECK: func.func @load() {
// CHECK-NEXT: %weight = weights.load @conv1.weight : tensor<64x3x7x7xf32>
// CHECK-NEXT: %odd_name = weights.load @"onnx::Conv_12" : tensor<2x2xsi4>
// CHECK-NEXT: %checked = weights.load @conv1.weight digest "6f7a0d3b5b1e90cc" : tensor<64x3x7x7xf32>
// CHECK-NEXT: func.return
// CHECK: func.func @inline() {
// CHECK-NEXT: %scale = weights.inline dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK-NEXT: %codes = weights.inline dense<[[7, -8], [0, 1]]> : tensor<2x2xsi4>
// CHECK-NEXT: %zeros = weights.inline dense<0> : tensor<3xui8>
// CHECK-NEXT: %scalar = weights.inline dense<3> : tensor<i64>
// CHECK-NEXT: %mask = weights.inline dense<[true, false]> : tensor<2xi1>
// CHECK-NEXT: func.return

// GENERIC: %checked = "weights.load"() <{symbol = @conv1.weight, digest = "6f7a0d3b5b1e90cc"}> : () -> tensor<64x3x7x7xf32>
// GENERIC: %codes = "weights.inline"() <{value = dense<[[7, -8], [0, 1]]> : tensor<2x2xsi4>}> : () -> tensor<2x2xsi4>
