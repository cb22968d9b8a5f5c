// RUN: cimc-opt %s -p 'onnx-fold-constants,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// Shape arithmetic: the shape 2, 3, 4 of x, its last size twice, as the sizes of a Reshape.

func.func @shapes(%x: tensor<2x3x4xf32>, %y: tensor<6x4xf32>) -> tensor<*xf32> {
  %shape = onnx.Shape(%x) : (tensor<2x3x4xf32>) -> tensor<3xi64>
  %last = weights.inline dense<2> : tensor<1xi64>
  %four = onnx.Gather(%shape, %last) : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %rest = weights.inline dense<-1> : tensor<1xi64>
  %sizes = onnx.Concat(%four, %rest) {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %r = onnx.Reshape(%y, %sizes) : (tensor<6x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  %relu = onnx.Relu(%r) : (tensor<*xf32>) -> tensor<*xf32>
  func.return %relu : tensor<*xf32>
}

// CHECK: func.func @shapes(%x: tensor<2x3x4xf32>, %y: tensor<6x4xf32>) -> tensor<4x6xf32> {
// CHECK-NEXT: %sizes = weights.inline dense<[4, -1]> : tensor<2xi64>
// CHECK-NEXT: %r = onnx.Reshape(%y, %sizes) : (tensor<6x4xf32>, tensor<2xi64>) -> tensor<4x6xf32>
// CHECK-NEXT: %relu = onnx.Relu(%r) : (tensor<4x6xf32>) -> tensor<4x6xf32>
// CHECK-NEXT: func.return %relu : tensor<4x6xf32>

// -----

// Floats are folded too; Identity and Dropout are nothing, and what nobody uses goes away.

func.func @floats(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = weights.inline dense<[1.0, 2.0]> : tensor<2xf32>
  %b = weights.inline dense<[0.5, -4.0]> : tensor<2xf32>
  %product = onnx.Mul(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %same = onnx.Identity(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %kept = onnx.Dropout(%same) : (tensor<2xf32>) -> tensor<2xf32>
  %unused = onnx.Relu(%kept) : (tensor<2xf32>) -> tensor<2xf32>
  %y = onnx.Add(%kept, %product) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: func.func @floats(%x: tensor<2xf32>) -> tensor<2xf32> {
// CHECK-NEXT: %product = weights.inline dense<[5.000000e-01, -8.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = onnx.Add(%x, %product) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
// CHECK-NEXT: func.return %y : tensor<2xf32>

// -----

// What carries quantisation stays: the widths of weights are read from it.

func.func @quantisation() -> (tensor<2xf32>, tensor<2xf32>, tensor<f32>) {
  %weight = weights.inline dense<[1.0, 2.0]> : tensor<2xf32>
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0> : tensor<i8>
  %zero_float = weights.inline dense<0.0> : tensor<f32>
  %bits = weights.inline dense<4.0> : tensor<f32>
  %low = weights.inline dense<-7> : tensor<i8>
  %high = weights.inline dense<7> : tensor<i8>
  %codes = onnx.QuantizeLinear(%weight, %scale, %zero) : (tensor<2xf32>, tensor<f32>, tensor<i8>) -> tensor<2xi8>
  %clipped = onnx.Clip(%codes, %low, %high) : (tensor<2xi8>, tensor<i8>, tensor<i8>) -> tensor<2xi8>
  %qcdq = onnx.DequantizeLinear(%clipped, %scale, %zero) : (tensor<2xi8>, tensor<f32>, tensor<i8>) -> tensor<2xf32>
  %qonnx = onnx.Quant(%weight, %scale, %zero_float, %bits) {narrow = 1 : i64, signed = 1 : i64} : (tensor<2xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2xf32>
  %float_clip = onnx.Clip(%bits, none, %scale) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  func.return %qcdq, %qonnx, %float_clip : tensor<2xf32>, tensor<2xf32>, tensor<f32>
}

// CHECK: func.func @quantisation
// CHECK: %codes = onnx.QuantizeLinear(%weight, %scale, %zero)
// CHECK-NEXT: %clipped = onnx.Clip(%codes, %low, %high)
// CHECK-NEXT: %qcdq = onnx.DequantizeLinear(%clipped, %scale, %zero)
// CHECK-NEXT: %qonnx = onnx.Quant(%weight, %scale, %zero_float, %bits)
// CHECK-NEXT: %float_clip = weights.inline dense<5.000000e-01> : tensor<f32>

// -----

func.func @run_time_shape(%x: tensor<6x4xf32>, %sizes: tensor<2xi64>) -> tensor<*xf32> {
  %r = onnx.Reshape(%x, %sizes) : (tensor<6x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  func.return %r : tensor<*xf32>
}

// CHECK: onnx.Reshape: its shape depends on values that are only known at run time; export the model with fixed sizes

// -----

func.func @impossible(%x: tensor<6x4xf32>) -> tensor<*xf32> {
  %sizes = weights.inline dense<[5, 5]> : tensor<2xi64>
  %r = onnx.Reshape(%x, %sizes) : (tensor<6x4xf32>, tensor<2xi64>) -> tensor<*xf32>
  func.return %r : tensor<*xf32>
}

// CHECK: onnx.Reshape: shape (6, 4) cannot become [5, 5]
