// RUN: cimc-opt %s -p 'cim-select-stationary{mapping=any}' --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-select-stationary{mapping=diagonal}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD

// 6 bits of attention stream for 50 tokens, or 4 bits of values for 64 channels.

func.func @attention(%a: tensor<1x12x50x50xf32>, %v: tensor<1x12x50x64xf32>) -> tensor<1x12x50x64xf32> {
  %p = onnx.Softmax(%a) : (tensor<1x12x50x50xf32>) -> tensor<1x12x50x50xf32>
  %y = cim.matmul(%p, %v) {layer = "av", precision = #cim.precision<weight 4, activation 6>} : (tensor<1x12x50x50xf32>, tensor<1x12x50x64xf32>) -> tensor<1x12x50x64xf32>
  func.return %y : tensor<1x12x50x64xf32>
}

// CHECK: func.func @attention
// CHECK: layer = "av", {{.*}}stationary = "inputs"}

// BAD: the mapping must be one of differential-column, differential-row, mixed-digits, offset or any, got 'diagonal'

// -----

// Constant weights stay where they are, and so does an operand that several matrices share.

func.func @others(%x: tensor<2x50x8xf32>, %k: tensor<8x4xf32>) {
  %w = weights.load @w : tensor<8x400xf32>
  %0 = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 8, activation 2>} : (tensor<2x50x8xf32>, tensor<8x400xf32>) -> tensor<2x50x400xf32>
  %1 = cim.matmul(%x, %k) {layer = "shared", precision = #cim.precision<weight 2, activation 8>} : (tensor<2x50x8xf32>, tensor<8x4xf32>) -> tensor<2x50x4xf32>
  func.return
}

// CHECK: func.func @others
// CHECK-NOT: stationary
// CHECK: func.return
