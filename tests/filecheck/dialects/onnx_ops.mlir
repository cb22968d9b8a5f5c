// RUN: cimc-opt %s | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @activation(%x: tensor<2x3xf32>, %ints: tensor<2x3xi64>, %low: tensor<f32>, %high: tensor<f32>) {
  %clip = onnx.Clip(%x, %low, %high) : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
  %clip_above = onnx.Clip(%x, none, %high) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %clip_below = onnx.Clip(%x, %low) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %gelu = onnx.Gelu(%x) {approximate = "tanh"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %hard_sigmoid = onnx.HardSigmoid(%x) {alpha = 1.250000e-01 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %hard_swish = onnx.HardSwish(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %leaky = onnx.LeakyRelu(%x) {alpha = 1.250000e-01 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %log_softmax = onnx.LogSoftmax(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %relu = onnx.Relu(%ints) : (tensor<2x3xi64>) -> tensor<2x3xi64>
  %sigmoid = onnx.Sigmoid(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %softmax = onnx.Softmax(%x) {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %tanh = onnx.Tanh(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: func.func @activation(
// CHECK-NEXT: %clip = onnx.Clip(%x, %low, %high) : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
// CHECK-NEXT: %clip_above = onnx.Clip(%x, none, %high) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
// CHECK-NEXT: %clip_below = onnx.Clip(%x, %low) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
// CHECK-NEXT: %gelu = onnx.Gelu(%x) {approximate = "tanh"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %hard_sigmoid = onnx.HardSigmoid(%x) {alpha = 1.250000e-01 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %hard_swish = onnx.HardSwish(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %leaky = onnx.LeakyRelu(%x) {alpha = 1.250000e-01 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %log_softmax = onnx.LogSoftmax(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %relu = onnx.Relu(%ints) : (tensor<2x3xi64>) -> tensor<2x3xi64>
// CHECK-NEXT: %sigmoid = onnx.Sigmoid(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %softmax = onnx.Softmax(%x) {axis = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %tanh = onnx.Tanh(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// GENERIC: %clip = "onnx.Clip"(%x, %low, %high) <{operandSegmentSizes = array<i32: 1, 1, 1>}> : (tensor<2x3xf32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
// GENERIC: %clip_above = "onnx.Clip"(%x, %high) <{operandSegmentSizes = array<i32: 1, 0, 1>}> : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>

func.func @attention(%q: tensor<1x4x8x16xf32>, %k: tensor<1x2x8x16xf32>, %mask: tensor<8x8xi1>, %past: tensor<1x2x5x16xf32>, %packed: tensor<1x8x64xf32>) {
  %y = onnx.Attention(%q, %k, %k, %mask) {is_causal = 1 : i64} : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<8x8xi1>) -> tensor<1x4x8x16xf32>
  %z, %qk = onnx.Attention(%q, %k, %k) {qk_matmul_output_mode = 3 : i64} : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) -> (tensor<1x4x8x16xf32>, none, none, tensor<1x4x8x8xf32>)
  %w, %key, %value = onnx.Attention(%q, %k, %k, none, %past, %past) : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x5x16xf32>, tensor<1x2x5x16xf32>) -> (tensor<1x4x8x16xf32>, tensor<1x2x13x16xf32>, tensor<1x2x13x16xf32>)
  %p = onnx.Attention(%packed, %packed, %packed) {kv_num_heads = 4 : i64, q_num_heads = 4 : i64} : (tensor<1x8x64xf32>, tensor<1x8x64xf32>, tensor<1x8x64xf32>) -> tensor<1x8x64xf32>
  func.return
}

// CHECK: func.func @attention(
// CHECK-NEXT: %y = onnx.Attention(%q, %k, %k, %mask) {is_causal = 1 : i64} : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<8x8xi1>) -> tensor<1x4x8x16xf32>
// CHECK-NEXT: %z, %qk = onnx.Attention(%q, %k, %k) {qk_matmul_output_mode = 3 : i64} : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) -> (tensor<1x4x8x16xf32>, none, none, tensor<1x4x8x8xf32>)
// CHECK-NEXT: %w, %key, %value = onnx.Attention(%q, %k, %k, none, %past, %past) : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x5x16xf32>, tensor<1x2x5x16xf32>) -> (tensor<1x4x8x16xf32>, tensor<1x2x13x16xf32>, tensor<1x2x13x16xf32>)
// CHECK-NEXT: %p = onnx.Attention(%packed, %packed, %packed) {kv_num_heads = 4 : i64, q_num_heads = 4 : i64} : (tensor<1x8x64xf32>, tensor<1x8x64xf32>, tensor<1x8x64xf32>) -> tensor<1x8x64xf32>
// GENERIC: %y = "onnx.Attention"(%q, %k, %k, %mask) <{is_causal = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 0>, left_window_size = -1 : i64, qk_matmul_output_mode = 0 : i64, right_window_size = -1 : i64, softcap = 0.000000e+00 : f32}> : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<8x8xi1>) -> tensor<1x4x8x16xf32>
// GENERIC: %z, %qk = "onnx.Attention"(%q, %k, %k) <{qk_matmul_output_mode = 3 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0, 1>, is_causal = 0 : i64, left_window_size = -1 : i64, right_window_size = -1 : i64, softcap = 0.000000e+00 : f32}> : (tensor<1x4x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>) -> (tensor<1x4x8x16xf32>, tensor<1x4x8x8xf32>)

func.func @conv(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>, %b: tensor<6xf32>) {
  %y = onnx.Conv(%x, %w) {group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  %z = onnx.Conv(%x, %w, %b) {group = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<1x6x4x4xf32>
  %s = onnx.Conv(%x, %w) {auto_pad = "SAME_UPPER", group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x8x8xf32>
  func.return
}

// CHECK: func.func @conv(
// CHECK-NEXT: %y = onnx.Conv(%x, %w) {group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
// CHECK-NEXT: %z = onnx.Conv(%x, %w, %b) {group = 2 : i64, pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 2, 2>} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>, tensor<6xf32>) -> tensor<1x6x4x4xf32>
// CHECK-NEXT: %s = onnx.Conv(%x, %w) {auto_pad = "SAME_UPPER", group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x8x8xf32>
// GENERIC: %y = "onnx.Conv"(%x, %w) <{group = 2 : i64, auto_pad = "NOTSET"}> : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>

func.func @elementwise(%x: tensor<2x3xf32>, %row: tensor<3xf32>, %power: tensor<i64>, %mask: tensor<2x1xi1>) {
  %abs = onnx.Abs(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %add = onnx.Add(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %div = onnx.Div(%row, %x) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %equal = onnx.Equal(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
  %erf = onnx.Erf(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %exp = onnx.Exp(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %log = onnx.Log(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %max = onnx.Max(%x, %row, %row) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %min = onnx.Min(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %mul = onnx.Mul(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %neg = onnx.Neg(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %not = onnx.Not(%mask) : (tensor<2x1xi1>) -> tensor<2x1xi1>
  %prelu = onnx.PRelu(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %pow = onnx.Pow(%x, %power) : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  %reciprocal = onnx.Reciprocal(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %sqrt = onnx.Sqrt(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %sub = onnx.Sub(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %sum = onnx.Sum(%row, %x) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %where = onnx.Where(%mask, %x, %row) : (tensor<2x1xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: func.func @elementwise(
// CHECK-NEXT: %abs = onnx.Abs(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %add = onnx.Add(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %div = onnx.Div(%row, %x) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %equal = onnx.Equal(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
// CHECK-NEXT: %erf = onnx.Erf(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %exp = onnx.Exp(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %log = onnx.Log(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %max = onnx.Max(%x, %row, %row) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %min = onnx.Min(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %mul = onnx.Mul(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %neg = onnx.Neg(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %not = onnx.Not(%mask) : (tensor<2x1xi1>) -> tensor<2x1xi1>
// CHECK-NEXT: %prelu = onnx.PRelu(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %pow = onnx.Pow(%x, %power) : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
// CHECK-NEXT: %reciprocal = onnx.Reciprocal(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %sqrt = onnx.Sqrt(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %sub = onnx.Sub(%x, %row) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %sum = onnx.Sum(%row, %x) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: %where = onnx.Where(%mask, %x, %row) : (tensor<2x1xi1>, tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// GENERIC: %abs = "onnx.Abs"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>

func.func @matmul(%a: tensor<2x8xf32>, %b: tensor<4x8xf32>, %c: tensor<4xf32>, %v: tensor<8xf32>) {
  %gemm = onnx.Gemm(%a, %b, %c) {beta = 5.000000e-01 : f32, transB = 1 : i64} : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %no_c = onnx.Gemm(%a, %b) {transB = 1 : i64} : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  %product = onnx.MatMul(%a, %v) : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2xf32>
  func.return
}

// CHECK: func.func @matmul(
// CHECK-NEXT: %gemm = onnx.Gemm(%a, %b, %c) {beta = 5.000000e-01 : f32, transB = 1 : i64} : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: %no_c = onnx.Gemm(%a, %b) {transB = 1 : i64} : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
// CHECK-NEXT: %product = onnx.MatMul(%a, %v) : (tensor<2x8xf32>, tensor<8xf32>) -> tensor<2xf32>
// GENERIC: %gemm = "onnx.Gemm"(%a, %b, %c) <{beta = 5.000000e-01 : f32, transB = 1 : i64, alpha = 1.000000e+00 : f32, transA = 0 : i64}> : (tensor<2x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<2x4xf32>

func.func @normalization(%x: tensor<1x3x4x4xf32>, %c: tensor<3xf32>, %last: tensor<4xf32>) {
  %batch = onnx.BatchNormalization(%x, %c, %c, %c, %c) {epsilon = 1.000000e-03 : f32} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
  %instance = onnx.InstanceNormalization(%x, %c, %c) : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
  %layer = onnx.LayerNormalization(%x, %last, %last) : (tensor<1x3x4x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4x4xf32>
  %y, %mean, %inv_std_dev = onnx.LayerNormalization(%x, %last) {axis = 2 : i64} : (tensor<1x3x4x4xf32>, tensor<4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>)
  %z, %no_mean = onnx.LayerNormalization(%x, %last) : (tensor<1x3x4x4xf32>, tensor<4xf32>) -> (tensor<1x3x4x4xf32>, none, tensor<1x3x4x1xf32>)
  %lrn = onnx.LRN(%x) {size = 5 : i64} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  func.return
}

// CHECK: func.func @normalization(
// CHECK-NEXT: %batch = onnx.BatchNormalization(%x, %c, %c, %c, %c) {epsilon = 1.000000e-03 : f32} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
// CHECK-NEXT: %instance = onnx.InstanceNormalization(%x, %c, %c) : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
// CHECK-NEXT: %layer = onnx.LayerNormalization(%x, %last, %last) : (tensor<1x3x4x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4x4xf32>
// CHECK-NEXT: %y, %mean, %inv_std_dev = onnx.LayerNormalization(%x, %last) {axis = 2 : i64} : (tensor<1x3x4x4xf32>, tensor<4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>)
// CHECK-NEXT: %z, %no_mean = onnx.LayerNormalization(%x, %last) : (tensor<1x3x4x4xf32>, tensor<4xf32>) -> (tensor<1x3x4x4xf32>, none, tensor<1x3x4x1xf32>)
// CHECK-NEXT: %lrn = onnx.LRN(%x) {size = 5 : i64} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
// GENERIC: %layer = "onnx.LayerNormalization"(%x, %last, %last) <{resultSegmentSizes = array<i32: 1, 0, 0>, axis = -1 : i64, epsilon = 1.000000e-05 : f32, stash_type = 1 : i64}> : (tensor<1x3x4x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x3x4x4xf32>
// GENERIC: %y, %mean, %inv_std_dev = "onnx.LayerNormalization"(%x, %last) <{axis = 2 : i64, resultSegmentSizes = array<i32: 1, 1, 1>, epsilon = 1.000000e-05 : f32, stash_type = 1 : i64}> : (tensor<1x3x4x4xf32>, tensor<4xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>, tensor<1x3x1x1xf32>)

func.func @pooling(%x: tensor<1x3x8x8xf32>) {
  %average = onnx.AveragePool(%x) {ceil_mode = 1 : i64, count_include_pad = 1 : i64, kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
  %global_average = onnx.GlobalAveragePool(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  %global_max = onnx.GlobalMaxPool(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  %max = onnx.MaxPool(%x) {kernel_shape = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x7x7xf32>
  %y, %indices = onnx.MaxPool(%x) {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xi64>)
  func.return
}

// CHECK: func.func @pooling(
// CHECK-NEXT: %average = onnx.AveragePool(%x) {ceil_mode = 1 : i64, count_include_pad = 1 : i64, kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>
// CHECK-NEXT: %global_average = onnx.GlobalAveragePool(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
// CHECK-NEXT: %global_max = onnx.GlobalMaxPool(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
// CHECK-NEXT: %max = onnx.MaxPool(%x) {kernel_shape = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x7x7xf32>
// CHECK-NEXT: %y, %indices = onnx.MaxPool(%x) {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x3x8x8xf32>) -> (tensor<1x3x4x4xf32>, tensor<1x3x4x4xi64>)
// GENERIC: %average = "onnx.AveragePool"(%x) <{ceil_mode = 1 : i64, count_include_pad = 1 : i64, kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, auto_pad = "NOTSET"}> : (tensor<1x3x8x8xf32>) -> tensor<1x3x4x4xf32>

func.func @quantize(%x: tensor<2x3xf32>, %scale: tensor<f32>, %scales: tensor<3xf32>, %zero: tensor<i8>, %zeros: tensor<3xi8>, %bits: tensor<f32>) {
  %q = onnx.QuantizeLinear(%x, %scale, %zero) : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>
  %unsigned = onnx.QuantizeLinear(%x, %scale) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xui8>
  %per_channel = onnx.QuantizeLinear(%x, %scales, %zeros) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xi8>) -> tensor<2x3xi8>
  %named = onnx.QuantizeLinear(%x, %scale) {output_dtype = 5 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi16>
  %y = onnx.DequantizeLinear(%q, %scale, %zero) : (tensor<2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x3xf32>
  %fake = onnx.Quant(%x, %scale, %scale, %bits) {narrow = 1 : i64, rounding_mode = "FLOOR", signed = 0 : i64} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
  func.return
}

// CHECK: func.func @quantize(
// CHECK-NEXT: %q = onnx.QuantizeLinear(%x, %scale, %zero) : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>
// CHECK-NEXT: %unsigned = onnx.QuantizeLinear(%x, %scale) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xui8>
// CHECK-NEXT: %per_channel = onnx.QuantizeLinear(%x, %scales, %zeros) : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xi8>) -> tensor<2x3xi8>
// CHECK-NEXT: %named = onnx.QuantizeLinear(%x, %scale) {output_dtype = 5 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xi16>
// CHECK-NEXT: %y = onnx.DequantizeLinear(%q, %scale, %zero) : (tensor<2x3xi8>, tensor<f32>, tensor<i8>) -> tensor<2x3xf32>
// CHECK-NEXT: %fake = onnx.Quant(%x, %scale, %scale, %bits) {narrow = 1 : i64, rounding_mode = "FLOOR", signed = 0 : i64} : (tensor<2x3xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2x3xf32>
// GENERIC: %q = "onnx.QuantizeLinear"(%x, %scale, %zero) <{axis = 1 : i64, block_size = 0 : i64, output_dtype = 0 : i64, precision = 0 : i64, saturate = 1 : i64}> : (tensor<2x3xf32>, tensor<f32>, tensor<i8>) -> tensor<2x3xi8>

func.func @reduce(%x: tensor<1x3x4x4xf32>, %axes: tensor<2xi64>) {
  %max = onnx.ReduceMax(%x) : (tensor<1x3x4x4xf32>) -> tensor<1x1x1x1xf32>
  %mean = onnx.ReduceMean(%x, %axes) {keepdims = 0 : i64} : (tensor<1x3x4x4xf32>, tensor<2xi64>) -> tensor<1x3xf32>
  %sum = onnx.ReduceSum(%x) {noop_with_empty_axes = 1 : i64} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  func.return
}

// CHECK: func.func @reduce(
// CHECK-NEXT: %max = onnx.ReduceMax(%x) : (tensor<1x3x4x4xf32>) -> tensor<1x1x1x1xf32>
// CHECK-NEXT: %mean = onnx.ReduceMean(%x, %axes) {keepdims = 0 : i64} : (tensor<1x3x4x4xf32>, tensor<2xi64>) -> tensor<1x3xf32>
// CHECK-NEXT: %sum = onnx.ReduceSum(%x) {noop_with_empty_axes = 1 : i64} : (tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
// GENERIC: %max = "onnx.ReduceMax"(%x) <{keepdims = 1 : i64, noop_with_empty_axes = 0 : i64}> : (tensor<1x3x4x4xf32>) -> tensor<1x1x1x1xf32>

func.func @shape(%x: tensor<2x3x4xf32>, %one: tensor<1x3xf32>, %v: tensor<2xi64>, %zero: tensor<f32>, %training: tensor<i1>) {
  %cast = onnx.Cast(%v) {to = 1 : i64} : (tensor<2xi64>) -> tensor<2xf32>
  %concat = onnx.Concat(%x, %x) {axis = -1 : i64} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
  %zeros = onnx.ConstantOfShape(%v) : (tensor<2xi64>) -> tensor<4x6xf32>
  %ones = onnx.ConstantOfShape(%v) {value = dense<1> : tensor<1xi64>} : (tensor<2xi64>) -> tensor<4x6xi64>
  %dropout = onnx.Dropout(%x, none, %training) : (tensor<2x3x4xf32>, tensor<i1>) -> tensor<2x3x4xf32>
  %kept, %mask = onnx.Dropout(%x, %zero) : (tensor<2x3x4xf32>, tensor<f32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi1>)
  %expand = onnx.Expand(%one, %v) : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<5x3xf32>
  %flatten = onnx.Flatten(%x) {axis = 2 : i64} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %gather = onnx.Gather(%x, %v) {axis = 2 : i64} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x3x2xf32>
  %identity = onnx.Identity(%x) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %pad = onnx.Pad(%x, %v, none, %v) {mode = "edge"} : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
  %pad_zero = onnx.Pad(%x, %v, %zero) : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<f32>) -> tensor<*xf32>
  %reshape = onnx.Reshape(%x, %v) {allowzero = 1 : i64} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
  %shape = onnx.Shape(%x) {end = -1 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64>
  %slice = onnx.Slice(%x, %v, %v, none, %v) : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x4xf32>
  %split:2 = onnx.Split(%x) {axis = 1 : i64, num_outputs = 2 : i64} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, tensor<2x1x4xf32>)
  %a, %b = onnx.Split(%x, %v) : (tensor<2x3x4xf32>, tensor<2xi64>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>)
  %squeeze = onnx.Squeeze(%one) : (tensor<1x3xf32>) -> tensor<3xf32>
  %transpose = onnx.Transpose(%x) {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %unsqueeze = onnx.Unsqueeze(%x, %v) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<1x2x3x4x1xf32>
  func.return
}

// CHECK: func.func @shape(
// CHECK-NEXT: %cast = onnx.Cast(%v) {to = 1 : i64} : (tensor<2xi64>) -> tensor<2xf32>
// CHECK-NEXT: %concat = onnx.Concat(%x, %x) {axis = -1 : i64} : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
// CHECK-NEXT: %zeros = onnx.ConstantOfShape(%v) : (tensor<2xi64>) -> tensor<4x6xf32>
// CHECK-NEXT: %ones = onnx.ConstantOfShape(%v) {value = dense<1> : tensor<1xi64>} : (tensor<2xi64>) -> tensor<4x6xi64>
// CHECK-NEXT: %dropout = onnx.Dropout(%x, none, %training) : (tensor<2x3x4xf32>, tensor<i1>) -> tensor<2x3x4xf32>
// CHECK-NEXT: %kept, %mask = onnx.Dropout(%x, %zero) : (tensor<2x3x4xf32>, tensor<f32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi1>)
// CHECK-NEXT: %expand = onnx.Expand(%one, %v) : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<5x3xf32>
// CHECK-NEXT: %flatten = onnx.Flatten(%x) {axis = 2 : i64} : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT: %gather = onnx.Gather(%x, %v) {axis = 2 : i64} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x3x2xf32>
// CHECK-NEXT: %identity = onnx.Identity(%x) : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK-NEXT: %pad = onnx.Pad(%x, %v, none, %v) {mode = "edge"} : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<*xf32>
// CHECK-NEXT: %pad_zero = onnx.Pad(%x, %v, %zero) : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<f32>) -> tensor<*xf32>
// CHECK-NEXT: %reshape = onnx.Reshape(%x, %v) {allowzero = 1 : i64} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<6x4xf32>
// CHECK-NEXT: %shape = onnx.Shape(%x) {end = -1 : i64} : (tensor<2x3x4xf32>) -> tensor<2xi64>
// CHECK-NEXT: %slice = onnx.Slice(%x, %v, %v, none, %v) : (tensor<2x3x4xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2x4xf32>
// CHECK-NEXT: %split, %split_1 = onnx.Split(%x) {axis = 1 : i64, num_outputs = 2 : i64} : (tensor<2x3x4xf32>) -> (tensor<2x2x4xf32>, tensor<2x1x4xf32>)
// CHECK-NEXT: %a, %b = onnx.Split(%x, %v) : (tensor<2x3x4xf32>, tensor<2xi64>) -> (tensor<1x3x4xf32>, tensor<1x3x4xf32>)
// CHECK-NEXT: %squeeze = onnx.Squeeze(%one) : (tensor<1x3xf32>) -> tensor<3xf32>
// CHECK-NEXT: %transpose = onnx.Transpose(%x) {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
// CHECK-NEXT: %unsqueeze = onnx.Unsqueeze(%x, %v) : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<1x2x3x4x1xf32>
// GENERIC: %dropout = "onnx.Dropout"(%x, %training) <{operandSegmentSizes = array<i32: 1, 0, 1>}> : (tensor<2x3x4xf32>, tensor<i1>) -> tensor<2x3x4xf32>
// GENERIC: %kept, %mask = "onnx.Dropout"(%x, %zero) <{operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<2x3x4xf32>, tensor<f32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi1>)

// What another dialect notes on an op is kept, types may be unknown, and defaults are not printed.
func.func @notes(%x: tensor<*xf32>, %dynamic: tensor<?x3xf32>) {
  %y = onnx.Relu(%x) {cim.layer = "conv1"} : (tensor<*xf32>) -> tensor<*xf32>
  %z = onnx.Relu(%dynamic) : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %w = onnx.Softmax(%x) {axis = -1 : i64} : (tensor<*xf32>) -> tensor<*xf32>
  func.return
}

// CHECK: func.func @notes(
// CHECK-NEXT: %y = onnx.Relu(%x) {cim.layer = "conv1"} : (tensor<*xf32>) -> tensor<*xf32>
// CHECK-NEXT: %z = onnx.Relu(%dynamic) : (tensor<?x3xf32>) -> tensor<?x3xf32>
// CHECK-NEXT: %w = onnx.Softmax(%x) : (tensor<*xf32>) -> tensor<*xf32>
// GENERIC: %y = "onnx.Relu"(%x) {cim.layer = "conv1"} : (tensor<*xf32>) -> tensor<*xf32>
