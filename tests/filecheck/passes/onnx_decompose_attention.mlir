// RUN: cimc-opt %s -p 'onnx-decompose-attention,weights-inline' --print-debuginfo --split-input-file --verify-diagnostics | filecheck %s

// The products are called after the node. By default the scale is 1 / sqrt(head size), here 1 / sqrt(16).

func.func @heads(%q: tensor<1x2x3x16xf32>, %k: tensor<1x2x5x16xf32>, %v: tensor<1x2x5x6xf32>) -> tensor<1x2x3x6xf32> {
  %y = onnx.Attention(%q, %k, %v) : (tensor<1x2x3x16xf32>, tensor<1x2x5x16xf32>, tensor<1x2x5x6xf32>) -> tensor<1x2x3x6xf32> loc("/encoder/attention"("encoder"))
  func.return %y : tensor<1x2x3x6xf32>
}

// CHECK: func.func @heads
// CHECK-NEXT: %0 = onnx.Transpose(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x16xf32>) -> tensor<1x2x16x5xf32> loc("/encoder/attention"("encoder"))
// CHECK-NEXT: %1 = onnx.MatMul(%q, %0) : (tensor<1x2x3x16xf32>, tensor<1x2x16x5xf32>) -> tensor<1x2x3x5xf32> loc("/encoder/attention.qk"("encoder.qk"))
// CHECK-NEXT: %2 = weights.inline dense<2.500000e-01> : tensor<f32>
// CHECK-NEXT: %3 = onnx.Mul(%1, %2)
// CHECK-NEXT: %4 = onnx.Softmax(%3) : (tensor<1x2x3x5xf32>) -> tensor<1x2x3x5xf32>
// CHECK-NEXT: %y = onnx.MatMul(%4, %v) : (tensor<1x2x3x5xf32>, tensor<1x2x5x6xf32>) -> tensor<1x2x3x6xf32> loc("/encoder/attention.av"("encoder.av"))
// CHECK-NEXT: func.return %y

// -----

// [batch, length, heads * size] becomes [batch, heads, length, size] and back.

func.func @packed(%q: tensor<1x3x4xf32>, %k: tensor<1x5x4xf32>, %v: tensor<1x5x6xf32>) -> tensor<1x3x6xf32> {
  %y = onnx.Attention(%q, %k, %v) {kv_num_heads = 2 : i64, q_num_heads = 2 : i64, scale = 0.125 : f32} : (tensor<1x3x4xf32>, tensor<1x5x4xf32>, tensor<1x5x6xf32>) -> tensor<1x3x6xf32>
  func.return %y : tensor<1x3x6xf32>
}

// CHECK: func.func @packed
// CHECK-NEXT: %0 = cim.reshape %q : tensor<1x3x4xf32> -> tensor<1x3x2x2xf32>
// CHECK-NEXT: %1 = onnx.Transpose(%0) {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x3x2x2xf32>) -> tensor<1x2x3x2xf32>
// CHECK-NEXT: %2 = cim.reshape %k
// CHECK-NEXT: %3 = onnx.Transpose(%2) {perm = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: %4 = cim.reshape %v : tensor<1x5x6xf32> -> tensor<1x5x2x3xf32>
// CHECK-NEXT: %5 = onnx.Transpose(%4) {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x5x2x3xf32>) -> tensor<1x2x5x3xf32>
// CHECK: weights.inline dense<1.250000e-01> : tensor<f32>
// CHECK: [[P:%[0-9]+]] = onnx.MatMul(%{{[0-9]+}}, %5) : (tensor<1x2x3x5xf32>, tensor<1x2x5x3xf32>) -> tensor<1x2x3x3xf32>
// CHECK-NEXT: [[T:%[0-9]+]] = onnx.Transpose([[P]]) {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x2x3x3xf32>) -> tensor<1x3x2x3xf32>
// CHECK-NEXT: %y = cim.reshape [[T]] : tensor<1x3x2x3xf32> -> tensor<1x3x6xf32>

// -----

// One key head serves two query heads; a mask of booleans hides keys, a causal one those to the right.

func.func @grouped_and_masked(%q: tensor<1x2x3x4xf32>, %k: tensor<1x1x3x4xf32>, %v: tensor<1x1x3x6xf32>, %mask: tensor<3x3xi1>) -> tensor<1x2x3x6xf32> {
  %y = onnx.Attention(%q, %k, %v, %mask) {is_causal = 1 : i64, softcap = 2.0 : f32} : (tensor<1x2x3x4xf32>, tensor<1x1x3x4xf32>, tensor<1x1x3x6xf32>, tensor<3x3xi1>) -> tensor<1x2x3x6xf32>
  func.return %y : tensor<1x2x3x6xf32>
}

// CHECK: func.func @grouped_and_masked
// CHECK-NEXT: %0 = cim.reshape %k : tensor<1x1x3x4xf32> -> tensor<1x1x1x3x4xf32>
// CHECK-NEXT: %1 = weights.inline dense<[1, 1, 2, 3, 4]> : tensor<5xi64>
// CHECK-NEXT: %2 = onnx.Expand(%0, %1) : (tensor<1x1x1x3x4xf32>, tensor<5xi64>) -> tensor<1x1x2x3x4xf32>
// CHECK-NEXT: %3 = cim.reshape %2 : tensor<1x1x2x3x4xf32> -> tensor<1x2x3x4xf32>
// CHECK: onnx.MatMul(%q
// CHECK-NEXT: weights.inline dense<5.000000e-01> : tensor<f32>
// CHECK-NEXT: [[S:%[0-9]+]] = onnx.Mul(
// CHECK-NEXT: [[CAP:%[0-9]+]] = weights.inline dense<2.000000e+00> : tensor<f32>
// CHECK-NEXT: [[D:%[0-9]+]] = onnx.Div([[S]], [[CAP]])
// CHECK-NEXT: [[H:%[0-9]+]] = onnx.Tanh([[D]])
// CHECK-NEXT: [[C:%[0-9]+]] = onnx.Mul([[H]], [[CAP]])
// CHECK-NEXT: [[FUTURE:%[0-9]+]] = weights.inline dense<[{{\[}}0.000000e+00, 0xff800000, 0xff800000], [0.000000e+00, 0.000000e+00, 0xff800000], [0.000000e+00, 0.000000e+00, 0.000000e+00{{\]}}]> : tensor<3x3xf32>
// CHECK-NEXT: [[A:%[0-9]+]] = onnx.Add([[C]], [[FUTURE]])
// CHECK-NEXT: [[NONE:%[0-9]+]] = weights.inline dense<0xff800000> : tensor<f32>
// CHECK-NEXT: [[W:%[0-9]+]] = onnx.Where(%mask, [[A]], [[NONE]])
// CHECK-NEXT: onnx.Softmax([[W]])

// -----

// A mask of floats is added.

func.func @added_mask(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x6xf32>, %mask: tensor<3x3xf32>) -> tensor<1x2x3x6xf32> {
  %y = onnx.Attention(%q, %k, %v, %mask) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x6xf32>, tensor<3x3xf32>) -> tensor<1x2x3x6xf32>
  func.return %y : tensor<1x2x3x6xf32>
}

// CHECK: func.func @added_mask
// CHECK: [[A:%[0-9]+]] = onnx.Add(%{{[0-9]+}}, %mask)
// CHECK-NEXT: onnx.Softmax([[A]])

// -----

func.func @cache(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x3x4xf32>, %v: tensor<1x2x3x4xf32>, %past: tensor<1x2x5x4xf32>) {
  %y, %key, %value = onnx.Attention(%q, %k, %v, none, %past, %past) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x8x4xf32>, tensor<1x2x8x4xf32>) loc("decoder")
  func.return
}

// CHECK: node 'decoder' (onnx.Attention): past keys, windows and further outputs of Attention are not supported; export the model without a cache

// -----

func.func @window(%q: tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32> {
  %y = onnx.Attention(%q, %q, %q) {left_window_size = 1 : i64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  func.return %y : tensor<1x2x3x4xf32>
}

// CHECK: onnx.Attention: past keys, windows and further outputs of Attention are not supported

// -----

func.func @short_mask(%q: tensor<1x2x3x4xf32>, %mask: tensor<3x2xf32>) -> tensor<1x2x3x4xf32> {
  %y = onnx.Attention(%q, %q, %q, %mask) : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<3x2xf32>) -> tensor<1x2x3x4xf32>
  func.return %y : tensor<1x2x3x4xf32>
}

// CHECK: onnx.Attention: a mask for 2 of 3 keys
