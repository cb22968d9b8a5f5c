// RUN: cimc-opt %s -p 'cim-drop-qdq,weights-inline' --split-input-file | filecheck %s

// QDQ: the layer quantises what was quantised before, as it says itself; the addition gets the floats.

func.func @qdq(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<3> : tensor<ui8>
  %q = onnx.QuantizeLinear(%x, %scale, %zero) : (tensor<1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2xui8>
  %d = onnx.DequantizeLinear(%q, %scale, %zero) : (tensor<1x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2xf32>
  %y = cim.matmul(%d, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 8>, input = #cim.quantizer<ui8, scale 0.5, zero_point 3>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %sum = onnx.Add(%y, %d) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  func.return %sum : tensor<1x2xf32>
}

// CHECK: func.func @qdq(%x: tensor<1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT: %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 8>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 3>}
// CHECK-NEXT: %sum = onnx.Add(%y, %x)
// CHECK-NEXT: func.return %sum : tensor<1x2xf32>

// -----

// QCDQ, and values that are only moved between it and the layer.

func.func @qcdq(%x: tensor<1x1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0> : tensor<ui8>
  %high = weights.inline dense<15> : tensor<ui8>
  %q = onnx.QuantizeLinear(%x, %scale, %zero) : (tensor<1x1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2xui8>
  %c = onnx.Clip(%q, %zero, %high) : (tensor<1x1x2xui8>, tensor<ui8>, tensor<ui8>) -> tensor<1x1x2xui8>
  %d = onnx.DequantizeLinear(%c, %scale, %zero) : (tensor<1x1x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x2xf32>
  %f = onnx.Flatten(%d) : (tensor<1x1x2xf32>) -> tensor<1x2xf32>
  %y = cim.matmul(%f, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 4>, input = #cim.quantizer<ui4, scale 0.5, zero_point 0>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @qcdq(%x: tensor<1x1x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT: %f = onnx.Flatten(%x)
// CHECK-NEXT: %y = cim.matmul(%f, %w)
// CHECK-NEXT: func.return %y : tensor<1x2xf32>

// -----

// QONNX.

func.func @quant(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0.0> : tensor<f32>
  %bits = weights.inline dense<4.0> : tensor<f32>
  %d = onnx.Quant(%x, %scale, %zero, %bits) : (tensor<1x2xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<1x2xf32>
  %y = onnx.Relu(%d) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @quant(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT: %y = onnx.Relu(%x)
// CHECK-NEXT: func.return %y : tensor<1x2xf32>

// -----

// A quantiser whose codes begin at 0 is a Relu, too, unless there is one: a Clip to 255 * 0.5 remains of it.

func.func @activations(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0> : tensor<ui8>
  %sum = onnx.Add(%x, %x) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %q = onnx.QuantizeLinear(%sum, %scale, %zero) : (tensor<1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2xui8>
  %d = onnx.DequantizeLinear(%q, %scale, %zero) : (tensor<1x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2xf32>
  %relu = onnx.Relu(%sum) : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %qr = onnx.QuantizeLinear(%relu, %scale, %zero) : (tensor<1x2xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x2xui8>
  %dr = onnx.DequantizeLinear(%qr, %scale, %zero) : (tensor<1x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x2xf32>
  func.return %d, %dr : tensor<1x2xf32>, tensor<1x2xf32>
}

// CHECK: func.func @activations(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
// CHECK-NEXT: %sum = onnx.Add(%x, %x)
// CHECK-NEXT: %0 = weights.inline dense<0.000000e+00> : tensor<f32>
// CHECK-NEXT: %1 = weights.inline dense<1.275000e+02> : tensor<f32>
// CHECK-NEXT: %d = onnx.Clip(%sum, %0, %1)
// CHECK-NEXT: %relu = onnx.Relu(%sum)
// CHECK-NEXT: func.return %d, %relu : tensor<1x2xf32>, tensor<1x2xf32>

// -----

// Constants keep the values that the file gives them, and codes that come from outside stay codes.

func.func @others(%x: tensor<2xf32>, %codes: tensor<2xi8>) -> tensor<2xf32> {
  %scale = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0> : tensor<i8>
  %embedding = weights.inline dense<[0.3, 0.8]> : tensor<2xf32>
  %q = onnx.QuantizeLinear(%embedding, %scale, %zero) : (tensor<2xf32>, tensor<f32>, tensor<i8>) -> tensor<2xi8>
  %d = onnx.DequantizeLinear(%q, %scale, %zero) : (tensor<2xi8>, tensor<f32>, tensor<i8>) -> tensor<2xf32>
  %given = onnx.DequantizeLinear(%codes, %scale, %zero) : (tensor<2xi8>, tensor<f32>, tensor<i8>) -> tensor<2xf32>
  %sum = onnx.Add(%x, %d) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %y = onnx.Add(%sum, %given) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %y : tensor<2xf32>
}

// CHECK: func.func @others
// CHECK: %q = onnx.QuantizeLinear(%embedding, %scale, %zero)
// CHECK-NEXT: %d = onnx.DequantizeLinear(%q, %scale, %zero)
// CHECK-NEXT: %given = onnx.DequantizeLinear(%codes, %scale, %zero)
// CHECK-NEXT: %sum = onnx.Add(%x, %d)
// CHECK-NEXT: %y = onnx.Add(%sum, %given)
