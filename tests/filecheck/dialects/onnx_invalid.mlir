// RUN: cimc-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

func.func @channels(%x: tensor<1x3x8x8xf32>, %w: tensor<8x4x3x3xf32>) {
  %y = onnx.Conv(%x, %w) : (tensor<1x3x8x8xf32>, tensor<8x4x3x3xf32>) -> tensor<1x8x6x6xf32>
  func.return
}

// CHECK: Conv: x has 3 channels, w takes 4

// -----

func.func @groups(%x: tensor<1x4x8x8xf32>, %w: tensor<3x2x3x3xf32>) {
  %y = onnx.Conv(%x, %w) {group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<3x2x3x3xf32>) -> tensor<1x3x6x6xf32>
  func.return
}

// CHECK: Conv: 3 output channels do not make 2 groups

// -----

func.func @kernel_shape(%x: tensor<1x4x8x8xf32>, %w: tensor<3x4x3x3xf32>) {
  %y = onnx.Conv(%x, %w) {kernel_shape = array<i64: 5, 5>} : (tensor<1x4x8x8xf32>, tensor<3x4x3x3xf32>) -> tensor<1x3x4x4xf32>
  func.return
}

// CHECK: Conv: kernel_shape is (5, 5), but w has (3, 3)

// -----

func.func @bias(%x: tensor<1x4x8x8xf32>, %w: tensor<3x4x3x3xf32>, %b: tensor<4xf32>) {
  %y = onnx.Conv(%x, %w, %b) : (tensor<1x4x8x8xf32>, tensor<3x4x3x3xf32>, tensor<4xf32>) -> tensor<1x3x6x6xf32>
  func.return
}

// CHECK: Conv: b has shape (4,), not (3,)

// -----

func.func @window(%x: tensor<1x3x2x2xf32>) {
  %y = onnx.MaxPool(%x) {kernel_shape = array<i64: 3, 3>} : (tensor<1x3x2x2xf32>) -> tensor<1x3x1x1xf32>
  func.return
}

// CHECK: MaxPool: a kernel of 3 does not fit an axis of 2 padded by (0, 0)

// -----

func.func @window_rank(%x: tensor<1x3x8xf32>) {
  %y = onnx.MaxPool(%x) {kernel_shape = array<i64: 3, 3>} : (tensor<1x3x8xf32>) -> tensor<1x3x6xf32>
  func.return
}

// CHECK: MaxPool: kernel, strides, dilations and pads must suit 1 spatial axes

// -----

func.func @stride(%x: tensor<1x3x8x8xf32>) {
  %y = onnx.MaxPool(%x) {kernel_shape = array<i64: 3, 3>, strides = array<i64: 0, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x6x6xf32>
  func.return
}

// CHECK: MaxPool: a kernel's sizes, strides and dilations are at least 1

// -----

func.func @inner(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  %y = onnx.MatMul(%a, %b) : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  func.return
}

// CHECK: MatMul: a has 3 columns, b takes 4

// -----

func.func @broadcast(%a: tensor<2x3xf32>, %b: tensor<4xf32>) {
  %y = onnx.Add(%a, %b) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: Add: shapes (2, 3) and (4,) do not broadcast

// -----

func.func @broadcast_to(%x: tensor<3xf32>, %slope: tensor<2x3xf32>) {
  %y = onnx.PRelu(%x, %slope) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: PRelu: slope of shape (2, 3) does not broadcast to (3,)

// -----

func.func @axis(%x: tensor<2x3xf32>) {
  %y = onnx.Softmax(%x) {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: Softmax: axis 2 is out of range for 2 dimensions

// -----

func.func @permutation(%x: tensor<2x3xf32>) {
  %y = onnx.Transpose(%x) {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  func.return
}

// CHECK: Transpose: perm (0, 0) does not permute 2 dimensions

// -----

func.func @concat(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) {
  %y = onnx.Concat(%a, %b) {axis = 1 : i64} : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x7xf32>
  func.return
}

// CHECK: Concat: (2, 3) and (3, 4) differ not only in dimension 1

// -----

func.func @heads(%q: tensor<1x3x8x16xf32>, %k: tensor<1x2x8x16xf32>) {
  %y = onnx.Attention(%q, %k, %k) : (tensor<1x3x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) -> tensor<1x3x8x16xf32>
  func.return
}

// CHECK: Attention: 2 key heads cannot serve 3 query heads

// -----

func.func @scale(%x: tensor<2x3xf32>, %scale: tensor<2xf32>) {
  %y = onnx.QuantizeLinear(%x, %scale) : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<2x3xui8>
  func.return
}

// CHECK: QuantizeLinear: the scale has shape (2,), not (3,)

// -----

func.func @shape(%x: tensor<2x3xf32>) {
  %y = onnx.Relu(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return
}

// CHECK: Relu gives tensor<2x3xf32>, not tensor<3x2xf32>

// -----

func.func @element(%x: tensor<2x3xf32>) {
  %y = onnx.Equal(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: Equal gives elements of type i1, not f32

// -----

func.func @element_number(%x: tensor<2x3xf32>) {
  %y = onnx.Cast(%x) {to = 8 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: Cast: ONNX element type 8 is not supported

// -----

func.func @no_float(%x: tensor<2x3xi64>) {
  %y = onnx.Sqrt(%x) : (tensor<2x3xi64>) -> tensor<2x3xi64>
  func.return
}

// CHECK: operand 'x' at position 0 does not verify: Expected one of bf16, f16, f32, f64, but got i64

// -----

func.func @mixed(%a: tensor<2x3xf32>, %b: tensor<*xf16>) {
  %y = onnx.Add(%a, %b) : (tensor<2x3xf32>, tensor<*xf16>) -> tensor<2x3xf32>
  func.return
}

// CHECK: operand 'b' at position 1 does not verify: attribute f32 expected from variable 'T', but got f16

// -----

func.func @no_tensor(%x: f32) {
  %y = onnx.Relu(%x) : (f32) -> f32
  func.return
}

// CHECK: operand 'x' at position 0 does not verify: Unexpected attribute f32

// -----

func.func @choice(%x: tensor<2x3xf32>) {
  %y = onnx.Gelu(%x) {approximate = "sigmoid"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: Expected one of "none", "tanh", but got "sigmoid"

// -----

func.func @training(%x: tensor<1x3x4x4xf32>, %c: tensor<3xf32>) {
  %y = onnx.BatchNormalization(%x, %c, %c, %c, %c) {training_mode = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
  func.return
}

// CHECK: training_mode is not supported; Underlying verification failure: Expected attribute 0 : i64 but got 1 : i64

// -----

func.func @unknown_attribute(%x: tensor<2x3xf32>) {
  %y = onnx.Relu(%x) {alpha = 1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: onnx.Relu has no attribute 'alpha'

// -----

func.func @missing_attribute(%x: tensor<2x3xf32>) {
  %y = onnx.Concat(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: onnx.Concat needs its attribute 'axis'

// -----

func.func @missing_input(%x: tensor<2x3xf32>) {
  %y = onnx.Add(none, %x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: onnx.Add needs its input 'a'

// -----

func.func @missing_inputs() {
  %y = onnx.Max() : () -> tensor<2x3xf32>
  func.return
}

// CHECK: onnx.Max needs its input 'inputs'

// -----

func.func @too_many_inputs(%x: tensor<2x3xf32>) {
  %y = onnx.Relu(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: onnx.Relu is given 2 inputs, but has 1

// -----

func.func @too_many_results(%x: tensor<2x3xf32>) {
  %y, %z = onnx.Relu(%x) : (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  func.return
}

// CHECK: onnx.Relu is given 2 results, but has 1

// -----

func.func @missing_result(%x: tensor<2x3xf32>) {
  %y = onnx.LayerNormalization(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> (none, tensor<2x1xf32>)
  func.return
}

// CHECK: onnx.LayerNormalization needs its result 'y'
