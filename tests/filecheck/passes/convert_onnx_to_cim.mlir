// RUN: cimc-opt %s -p 'convert-onnx-to-cim,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// Defaults of ONNX become explicit. Of SAME_UPPER, 8 positions of a kernel of 4 need 3 more, the odd one at the
// end. Without other names, a layer goes by its node; two nodes of one name are told apart.

func.func @conv(%x: tensor<1x2x8xf32>) -> (tensor<1x2x5xf32>, tensor<1x2x8xf32>) {
  %weight = weights.inline dense<0.5> : tensor<2x1x4xf32>
  %bias = weights.inline dense<[1.0, 2.0]> : tensor<2xf32>
  %plain = onnx.Conv(%x, %weight) {group = 2 : i64} : (tensor<1x2x8xf32>, tensor<2x1x4xf32>) -> tensor<1x2x5xf32> loc("/features/conv"("features.conv"))
  %same = onnx.Conv(%x, %weight, %bias) {auto_pad = "SAME_UPPER", group = 2 : i64} : (tensor<1x2x8xf32>, tensor<2x1x4xf32>, tensor<2xf32>) -> tensor<1x2x8xf32> loc("/features/conv"("features.conv"))
  func.return %plain, %same : tensor<1x2x5xf32>, tensor<1x2x8xf32>
}

// CHECK: func.func @conv
// CHECK: %plain = cim.conv(%x, %{{.*}}) {layer = "/features/conv", aliases = ["features.conv"], precision = #cim.precision<weight 8, activation 8>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x8xf32>, tensor<2x1x4xf32>) -> tensor<1x2x5xf32>
// CHECK: [[BIAS:%[0-9]+]] = weights.inline dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK: %same = cim.conv(%x, %{{.*}} bias [[BIAS]]) {layer = "/features/conv#2", aliases = ["/features/conv", "features.conv"], precision = #cim.precision<weight 8, activation 8>, strides = array<i64: 1>, pads = array<i64: 1, 2>, dilations = array<i64: 1>, groups = 2 : i64} : (tensor<1x2x8xf32>, tensor<2x1x4xf32> bias tensor<2xf32>) -> tensor<1x2x8xf32>

// -----

// Gemm: weights transposed and times alpha, bias times beta.

func.func @gemm(%x: tensor<1x3xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %bias = weights.inline dense<[1.0, 3.0]> : tensor<2xf32>
  %y = onnx.Gemm(%x, %weight, %bias) {alpha = 0.5 : f32, beta = 2.0 : f32, transB = 1 : i64} : (tensor<1x3xf32>, tensor<2x3xf32>, tensor<2xf32>) -> tensor<1x2xf32> loc("fc")
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @gemm
// CHECK-NEXT: %0 = weights.inline dense<[{{\[}}5.000000e-01, 2.000000e+00], [1.000000e+00, 2.500000e+00], [1.500000e+00, 3.000000e+00{{\]}}]> : tensor<3x2xf32>
// CHECK-NEXT: %1 = weights.inline dense<[2.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = cim.matmul(%x, %0 bias %1) {layer = "fc", precision = #cim.precision<weight 8, activation 8>} : (tensor<1x3xf32>, tensor<3x2xf32> bias tensor<2xf32>) -> tensor<1x2xf32>

// -----

// An addend that is no bias is added by itself.

func.func @gemm_addend(%x: tensor<4x3xf32>, %c: tensor<4x1xf32>) -> tensor<4x2xf32> {
  %weight = weights.inline dense<1.0> : tensor<3x2xf32>
  %y = onnx.Gemm(%x, %weight, %c) {beta = 3.0 : f32} : (tensor<4x3xf32>, tensor<3x2xf32>, tensor<4x1xf32>) -> tensor<4x2xf32> loc("fc")
  func.return %y : tensor<4x2xf32>
}

// CHECK: func.func @gemm_addend
// CHECK: [[P:%[0-9]+]] = cim.matmul(%x, %{{.*}}) {layer = "fc",
// CHECK-NEXT: [[BETA:%[0-9]+]] = weights.inline dense<3.000000e+00> : tensor<1xf32>
// CHECK-NEXT: [[C:%[0-9]+]] = onnx.Mul(%c, [[BETA]])
// CHECK-NEXT: %y = onnx.Add([[P]], [[C]]) : (tensor<4x2xf32>, tensor<4x1xf32>) -> tensor<4x2xf32>

// -----

// The stored operand is on the right: W x = (x^T W^T)^T.

func.func @constant_on_the_left(%x: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %weight = weights.inline dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %y = onnx.MatMul(%weight, %x) : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32> loc("left")
  func.return %y : tensor<2x4xf32>
}

// CHECK: func.func @constant_on_the_left
// CHECK-NEXT: %0 = onnx.Transpose(%x) {perm = array<i64: 1, 0>} : (tensor<3x4xf32>) -> tensor<4x3xf32>
// CHECK-NEXT: %1 = weights.inline dense<[{{\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00{{\]}}]> : tensor<3x2xf32>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "left", {{.*}}} : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
// CHECK-NEXT: %y = onnx.Transpose(%2) {perm = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>

// -----

// Vectors become matrices for the product; products of computed operands broadcast before it.

func.func @vectors_and_broadcasts(%v: tensor<3xf32>, %a: tensor<5x1x2x3xf32>, %b: tensor<4x3x2xf32>) -> (tensor<2xf32>, tensor<5x4x2x2xf32>) {
  %weight = weights.inline dense<1.0> : tensor<3x2xf32>
  %y = onnx.MatMul(%v, %weight) : (tensor<3xf32>, tensor<3x2xf32>) -> tensor<2xf32> loc("vector")
  %z = onnx.MatMul(%a, %b) : (tensor<5x1x2x3xf32>, tensor<4x3x2xf32>) -> tensor<5x4x2x2xf32> loc("batch")
  func.return %y, %z : tensor<2xf32>, tensor<5x4x2x2xf32>
}

// CHECK: func.func @vectors_and_broadcasts
// CHECK: [[V:%[0-9]+]] = cim.reshape %v : tensor<3xf32> -> tensor<1x3xf32>
// CHECK: [[P:%[0-9]+]] = cim.matmul([[V]], %{{.*}}) {layer = "vector", {{.*}}} : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>
// CHECK-NEXT: %y = cim.reshape [[P]] : tensor<1x2xf32> -> tensor<2xf32>
// CHECK: [[A:%[0-9]+]] = onnx.Expand(%a, %{{.*}}) : (tensor<5x1x2x3xf32>, tensor<4xi64>) -> tensor<5x4x2x3xf32>
// CHECK: [[B:%[0-9]+]] = onnx.Expand(%b, %{{.*}}) : (tensor<4x3x2xf32>, tensor<4xi64>) -> tensor<5x4x3x2xf32>
// CHECK-NEXT: %z = cim.matmul([[A]], [[B]]) {layer = "batch",

// -----

// QDQ: widths are those of the types. Zero points of weights are taken off: 200 - 128 and 3 - 0, between -128
// and 255, which takes nine bits of a type, but no more than eight of a cell.

func.func @qdq(%x: tensor<1x1xf32>) -> tensor<1x2xf32> {
  %step = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<3> : tensor<ui8>
  %codes = weights.inline dense<[[200, 3]]> : tensor<1x2xui8>
  %scales = weights.inline dense<[0.25, 0.5]> : tensor<2xf32>
  %zeros = weights.inline dense<[128, 0]> : tensor<2xui8>
  %q = onnx.QuantizeLinear(%x, %step, %zero) : (tensor<1x1xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x1xui8>
  %dq = onnx.DequantizeLinear(%q, %step, %zero) : (tensor<1x1xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1xf32>
  %weight = onnx.DequantizeLinear(%codes, %scales, %zeros) {axis = 1 : i64} : (tensor<1x2xui8>, tensor<2xf32>, tensor<2xui8>) -> tensor<1x2xf32>
  %y = onnx.MatMul(%dq, %weight) : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("fc")
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @qdq
// CHECK: [[CODES:%[0-9]+]] = weights.inline dense<[{{\[}}72, 3{{\]}}]> : tensor<1x2xsi9>
// CHECK-NEXT: [[SCALES:%[0-9]+]] = weights.inline dense<[2.500000e-01, 5.000000e-01]> : tensor<2xf32>
// CHECK-NEXT: %y = cim.matmul(%dq, [[CODES]] scale [[SCALES]]) {layer = "fc", precision = #cim.precision<weight 8, activation 8>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 3>} :

// -----

// QCDQ: widths stand in Clips. The grid of activations lasts through ops that keep values; the average of 2 x 2
// codes of 0..31 is a multiple of a quarter step, 0..124.

func.func @qcdq(%x: tensor<1x1x4x4xf32>) -> tensor<1x2xf32> {
  %step = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0> : tensor<ui8>
  %low = weights.inline dense<0> : tensor<ui8>
  %high = weights.inline dense<31> : tensor<ui8>
  %q = onnx.QuantizeLinear(%x, %step, %zero) : (tensor<1x1x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xui8>
  %c = onnx.Clip(%q, %low, %high) : (tensor<1x1x4x4xui8>, tensor<ui8>, tensor<ui8>) -> tensor<1x1x4x4xui8>
  %dq = onnx.DequantizeLinear(%c, %step, %zero) : (tensor<1x1x4x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x1x4x4xf32>
  %codes = weights.inline dense<[[[[-7]]], [[[3]]]]> : tensor<2x1x1x1xi8>
  %w_low = weights.inline dense<-7> : tensor<i8>
  %w_high = weights.inline dense<7> : tensor<i8>
  %w_zero = weights.inline dense<0> : tensor<i8>
  %clipped = onnx.Clip(%codes, %w_low, %w_high) : (tensor<2x1x1x1xi8>, tensor<i8>, tensor<i8>) -> tensor<2x1x1x1xi8>
  %weight = onnx.DequantizeLinear(%clipped, %step, %w_zero) : (tensor<2x1x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<2x1x1x1xf32>
  %conv = onnx.Conv(%dq, %weight) : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("conv")
  %pooled = onnx.MaxPool(%dq) {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>} : (tensor<1x1x4x4xf32>) -> tensor<1x1x2x2xf32>
  %mean = onnx.GlobalAveragePool(%pooled) : (tensor<1x1x2x2xf32>) -> tensor<1x1x1x1xf32>
  %flat = onnx.Flatten(%mean) : (tensor<1x1x1x1xf32>) -> tensor<1x1xf32>
  %fc = weights.inline dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %y = onnx.MatMul(%flat, %fc) : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("fc")
  "test.op"(%conv) : (tensor<1x2x4x4xf32>) -> ()
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @qcdq
// CHECK: %{{.*}} = weights.inline dense<[{{\[\[\[}}-7{{\]\]\], \[\[\[}}3{{\]\]\]}}]> : tensor<2x1x1x1xsi4>
// CHECK: %conv = cim.conv(%dq, %{{.*}}) {layer = "conv", precision = #cim.precision<weight 4, activation 5>, input = #cim.quantizer<ui5, scale 5.000000e-01, zero_point 0>,
// CHECK: %y = cim.matmul(%flat, %{{.*}}) {layer = "fc", precision = #cim.precision<weight 8, activation 7>, input = #cim.quantizer<ui7, scale 1.250000e-01, zero_point 0>}

// -----

// QONNX says widths outright: 1.0 / 0.5 = 2, -9 is clipped to -3.

func.func @qonnx(%x: tensor<1x1xf32>) -> tensor<1x2xf32> {
  %values = weights.inline dense<[[1.0, -9.0]]> : tensor<1x2xf32>
  %step = weights.inline dense<0.5> : tensor<f32>
  %zero = weights.inline dense<0.0> : tensor<f32>
  %three = weights.inline dense<3.0> : tensor<f32>
  %five = weights.inline dense<5.0> : tensor<f32>
  %q = onnx.Quant(%x, %step, %zero, %five) {narrow = 0 : i64, signed = 0 : i64} : (tensor<1x1xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<1x1xf32>
  %weight = onnx.Quant(%values, %step, %zero, %three) {narrow = 1 : i64, signed = 1 : i64} : (tensor<1x2xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<1x2xf32>
  %y = onnx.MatMul(%q, %weight) : (tensor<1x1xf32>, tensor<1x2xf32>) -> tensor<1x2xf32> loc("fc")
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @qonnx
// CHECK: weights.inline dense<[{{\[}}2, -3{{\]}}]> : tensor<1x2xsi3>
// CHECK: cim.matmul(%q, {{.*}}) {layer = "fc", precision = #cim.precision<weight 3, activation 5>, input = #cim.quantizer<ui5, scale 5.000000e-01, zero_point 0>}

// -----

// Both operands of an attention product lie on grids of the file.

func.func @computed_operand(%a: tensor<1x2xi8>, %b: tensor<3x2xui8>) -> tensor<1x3xf32> {
  %step = weights.inline dense<0.5> : tensor<f32>
  %half = weights.inline dense<0.25> : tensor<f32>
  %zero = weights.inline dense<128> : tensor<ui8>
  %q = onnx.DequantizeLinear(%a, %step) : (tensor<1x2xi8>, tensor<f32>) -> tensor<1x2xf32>
  %k = onnx.DequantizeLinear(%b, %half, %zero) : (tensor<3x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x2xf32>
  %t = onnx.Transpose(%k) {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %y = onnx.MatMul(%q, %t) : (tensor<1x2xf32>, tensor<2x3xf32>) -> tensor<1x3xf32> loc("qk")
  func.return %y : tensor<1x3xf32>
}

// CHECK: func.func @computed_operand
// CHECK: %y = cim.matmul(%q, %t) {layer = "qk", precision = #cim.precision<weight 8, activation 8>, input = #cim.quantizer<si8, scale 5.000000e-01, zero_point 0>, stored = #cim.quantizer<ui8, scale 2.500000e-01, zero_point 128>}

// -----

// Products of integers are arithmetic.

func.func @integers(%a: tensor<1x2xi32>, %b: tensor<2x3xi32>) -> tensor<1x3xi32> {
  %y = onnx.MatMul(%a, %b) : (tensor<1x2xi32>, tensor<2x3xi32>) -> tensor<1x3xi32>
  func.return %y : tensor<1x3xi32>
}

// CHECK: func.func @integers
// CHECK-NEXT: %y = onnx.MatMul(%a, %b)

// -----

func.func @computed_weights(%x: tensor<1x1x4xf32>, %w: tensor<1x1x1xf32>) -> tensor<1x1x4xf32> {
  %y = onnx.Conv(%x, %w) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32> loc("dynamic")
  func.return %y : tensor<1x1x4xf32>
}

// CHECK: node 'dynamic' (onnx.Conv): its weights are computed at run time, which is not supported

// -----

func.func @computed_bias(%x: tensor<1x1x4xf32>, %b: tensor<1xf32>) -> tensor<1x1x4xf32> {
  %w = weights.inline dense<1.0> : tensor<1x1x1xf32>
  %y = onnx.Conv(%x, %w, %b) : (tensor<1x1x4xf32>, tensor<1x1x1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  func.return %y : tensor<1x1x4xf32>
}

// CHECK: onnx.Conv: its bias is computed at run time; add it with an Add instead

// -----

func.func @half(%x: tensor<1x2xf16>, %w: tensor<2x3xf16>) -> tensor<1x3xf16> {
  %y = onnx.MatMul(%x, %w) : (tensor<1x2xf16>, tensor<2x3xf16>) -> tensor<1x3xf16>
  func.return %y : tensor<1x3xf16>
}

// CHECK: onnx.MatMul: layers of f16 are not supported; export the model in float32

// -----

func.func @scales_of_inputs(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
  %codes = weights.inline dense<[[1], [2]]> : tensor<2x1xi8>
  %scales = weights.inline dense<[0.25, 0.5]> : tensor<2xf32>
  %weight = onnx.DequantizeLinear(%codes, %scales) {axis = 0 : i64} : (tensor<2x1xi8>, tensor<2xf32>) -> tensor<2x1xf32>
  %y = onnx.MatMul(%x, %weight) : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: onnx.MatMul: its weights have scales along axis 0, which is not that of the outputs; quantise them per tensor or per output channel

// -----

func.func @blocks(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %codes = weights.inline dense<1> : tensor<2x2xi8>
  %scales = weights.inline dense<0.5> : tensor<1x2xf32>
  %weight = onnx.DequantizeLinear(%codes, %scales) {axis = 0 : i64, block_size = 2 : i64} : (tensor<2x2xi8>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %y = onnx.MatMul(%x, %weight) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: onnx.DequantizeLinear: weights with a scale for each block are not supported
