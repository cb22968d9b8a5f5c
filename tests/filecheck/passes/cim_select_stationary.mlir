// RUN: cimc-opt %s -p 'cim-select-stationary{mapping=any}' --split-input-file --verify-diagnostics | filecheck %s --check-prefixes CHECK,WEIGHTS
// RUN: cimc-opt %s -p 'cim-select-stationary{mapping=mixed-digits stationary=any}' --split-input-file --verify-diagnostics | filecheck %s --check-prefixes CHECK,ANY
// RUN: cimc-opt %s -p 'cim-select-stationary{stationary=inputs}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix INPUTS
// RUN: cimc-opt %s -p 'cim-select-stationary{mapping=diagonal}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD-MAPPING
// RUN: cimc-opt %s -p 'cim-select-stationary{stationary=outputs}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD-CHOICE

// 6 bits of attention stream for 50 tokens, or 4 bits of values for 64 channels.

func.func @attention(%a: tensor<1x12x50x50xf32>, %v: tensor<1x12x50x64xf32>) -> tensor<1x12x50x64xf32> {
  %p = onnx.Softmax(%a) : (tensor<1x12x50x50xf32>) -> tensor<1x12x50x50xf32>
  %y = cim.matmul(%p, %v) {layer = "av", precision = #cim.precision<weight 4, activation 6>} : (tensor<1x12x50x50xf32>, tensor<1x12x50x64xf32>) -> tensor<1x12x50x64xf32>
  func.return %y : tensor<1x12x50x64xf32>
}

// CHECK: func.func @attention
// CHECK: layer = "av", {{.*}}stationary = "inputs"}
// INPUTS: func.func @attention
// INPUTS: layer = "av", {{.*}}stationary = "inputs"}

// BAD-MAPPING: the mapping must be one of differential-column, differential-row, mixed-digits, offset or any, got 'diagonal'
// BAD-CHOICE: stationary must be weights, inputs or any, got 'outputs'

// -----

// One matrix of a computed operand may serve several of the inputs: then all their vectors make one matrix.

func.func @shared(%x: tensor<2x50x64xf32>, %k: tensor<64x4xf32>) -> tensor<2x50x4xf32> {
  %y = cim.matmul(%x, %k) {layer = "shared", precision = #cim.precision<weight 8, activation 8>} : (tensor<2x50x64xf32>, tensor<64x4xf32>) -> tensor<2x50x4xf32>
  func.return %y : tensor<2x50x4xf32>
}

// CHECK: func.func @shared
// CHECK: layer = "shared", {{.*}}stationary = "inputs"}

// -----

// Constant weights stay where they are, unless told otherwise: inputs of 4 bits without a sign take one column,
// weights of 8 bits three. A layer that says how it is packed stays as it is.

func.func @constant(%x: tensor<1x64x56x56xf32>) {
  %w = weights.load @w : tensor<64x64x3x3xf32>
  %r = onnx.Relu(%x) : (tensor<1x64x56x56xf32>) -> tensor<1x64x56x56xf32>
  %0 = cim.conv(%r, %w) {layer = "conv", precision = #cim.precision<weight 8, activation 4>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  %1 = cim.conv(%r, %w) {layer = "packed", precision = #cim.precision<weight 8, activation 4>, packing = #cim.packing<groups 1, positions [1, 2]>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x64x56x56xf32>, tensor<64x64x3x3xf32>) -> tensor<1x64x56x56xf32>
  func.return
}

// CHECK: func.func @constant
// WEIGHTS-NOT: stationary
// ANY: layer = "conv", {{.*}}stationary = "inputs"}
// ANY-NOT: stationary
// INPUTS: func.func @constant
// INPUTS: layer = "conv", {{.*}}stationary = "inputs"}
// INPUTS-NOT: stationary
// CHECK: func.return
