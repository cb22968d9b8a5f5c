// RUN: cimc-opt %s -p 'cim-quantize,weights-inline' --split-input-file --verify-diagnostics | filecheck %s

// A sum's step is the product of both scales: 0.5 * 0.25 and 0.5 * 2.

func.func @matmul(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[7, -3], [-8, 5]]> : tensor<2x2xsi4>
  %scale = weights.inline dense<[0.25, 2.0]> : tensor<2xf32>
  %bias = weights.inline dense<[1.0, 3.0]> : tensor<2xf32>
  %y = cim.matmul(%x, %weight scale %scale bias %bias) {layer = "fc", precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<ui8, scale 0.5, zero_point 0>} : (tensor<1x2xf32>, tensor<2x2xsi4> scale tensor<2xf32> bias tensor<2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @matmul(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
// CHECK-NEXT: %weight = weights.inline dense<[[7, -3], [-8, 5]]> : tensor<2x2xsi4>
// CHECK-NEXT: %bias = weights.inline dense<[1.000000e+00, 3.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %0 = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>} : tensor<1x2xf32> -> tensor<1x2xui8>
// CHECK-NEXT: %1 = cim.matmul(%0, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xui8>, tensor<2x2xsi4>) -> tensor<1x2xsi32>
// CHECK-NEXT: %2 = weights.inline dense<[1.250000e-01, 1.000000e+00]> : tensor<2xf64>
// CHECK-NEXT: %y = cim.dequantize(%1, %2 bias %bias) {axis = 1 : i64} : (tensor<1x2xsi32>, tensor<2xf64> bias tensor<2xf32>) -> tensor<1x2xf32>
// CHECK-NEXT: func.return %y : tensor<1x2xf32>

// -----

// The zero point 3 adds 3 * (7 - 8) and 3 * (-3 + 5) to the sums.

func.func @zero_point(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[7, -3], [-8, 5]]> : tensor<2x2xsi4>
  %scale = weights.inline dense<0.25> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<ui8, scale 0.5, zero_point 3>} : (tensor<1x2xf32>, tensor<2x2xsi4> scale tensor<1xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: func.func @zero_point
// CHECK: %1 = cim.matmul(%0, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>}
// CHECK-NEXT: %2 = weights.inline dense<[[-3, 6]]> : tensor<1x2xsi64>
// CHECK-NEXT: %3 = weights.inline dense<1.250000e-01> : tensor<1xf64>
// CHECK-NEXT: %y = cim.dequantize(%1, %3 correction %2) {axis = 1 : i64} : (tensor<1x2xsi32>, tensor<1xf64> correction tensor<1x2xsi64>) -> tensor<1x2xf32>

// -----

// Outside of the picture lies the code of 0, which is the zero point; 5 * (3 - 1) and 5 * (-2 - 4).

func.func @conv(%x: tensor<1x1x3xf32>) -> tensor<1x2x4xf32> {
  %weight = weights.inline dense<[[[3, -1]], [[-2, -4]]]> : tensor<2x1x2xsi4>
  %scale = weights.inline dense<[0.25, 0.5]> : tensor<2xf32>
  %y = cim.conv(%x, %weight scale %scale) {layer = "conv", precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<si8, scale 1.0, zero_point 5>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x1x3xf32>, tensor<2x1x2xsi4> scale tensor<2xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: func.func @conv
// CHECK: %0 = cim.quantize %x {quantizer = #cim.quantizer<si8, scale 1.000000e+00, zero_point 5>} : tensor<1x1x3xf32> -> tensor<1x1x3xsi8>
// CHECK-NEXT: %1 = cim.conv(%0, %weight) {{{.*}}, pad_code = 5 : i64} : (tensor<1x1x3xsi8>, tensor<2x1x2xsi4>) -> tensor<1x2x4xsi32>
// CHECK-NEXT: %2 = weights.inline dense<[{{\[}}10{{\]}}, {{\[}}-30{{\]}}]> : tensor<2x1xsi64>
// CHECK-NEXT: %3 = weights.inline dense<[2.500000e-01, 5.000000e-01]> : tensor<2xf64>
// CHECK-NEXT: %y = cim.dequantize(%1, %3 correction %2) {axis = 1 : i64} :

// -----

// The precision decides: 0..255 with zero point 51 becomes 0..15 with 51 / 255 * 15, of steps of 0.5 * 255 / 15.
// Layers that share an input share its codes, if in the same width.

func.func @other_width(%x: tensor<1x1xf32>) {
  %weight = weights.inline dense<1> : tensor<1x1xsi4>
  %scale = weights.inline dense<1.0> : tensor<1xf32>
  %a = cim.matmul(%x, %weight scale %scale) {layer = "a", precision = #cim.precision<weight 4, activation 4>, input = #cim.quantizer<ui8, scale 0.5, zero_point 51>} : (tensor<1x1xf32>, tensor<1x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  %b = cim.matmul(%x, %weight scale %scale) {layer = "b", precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<ui8, scale 0.5, zero_point 51>} : (tensor<1x1xf32>, tensor<1x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  %c = cim.matmul(%x, %weight scale %scale) {layer = "c", precision = #cim.precision<weight 4, activation 4>, input = #cim.quantizer<ui8, scale 0.5, zero_point 51>} : (tensor<1x1xf32>, tensor<1x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  "test.op"(%a, %b, %c) : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) -> ()
  func.return
}

// CHECK: func.func @other_width
// CHECK: %0 = cim.quantize %x {quantizer = #cim.quantizer<ui4, scale 8.500000e+00, zero_point 3>} : tensor<1x1xf32> -> tensor<1x1xui4>
// CHECK: cim.matmul(%0, %weight) {layer = "a",
// CHECK: [[B:%[0-9]+]] = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 51>} : tensor<1x1xf32> -> tensor<1x1xui8>
// CHECK: cim.matmul([[B]], %weight) {layer = "b",
// CHECK-NOT: cim.quantize
// CHECK: cim.matmul(%0, %weight) {layer = "c",

// -----

// A computed stored operand is quantised too, and centred on its zero point; what the input's zero point adds is
// summed at run time.

func.func @computed(%x: tensor<1x2x3xf32>, %w: tensor<1x3x4xf32>) -> tensor<1x2x4xf32> {
  %y = cim.matmul(%x, %w) {layer = "qk", precision = #cim.precision<weight 8, activation 8>, input = #cim.quantizer<ui8, scale 0.5, zero_point 7>, stored = #cim.quantizer<ui8, scale 0.25, zero_point 128>} : (tensor<1x2x3xf32>, tensor<1x3x4xf32>) -> tensor<1x2x4xf32>
  func.return %y : tensor<1x2x4xf32>
}

// CHECK: func.func @computed
// CHECK-NEXT: %0 = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 7>} : tensor<1x2x3xf32> -> tensor<1x2x3xui8>
// CHECK-NEXT: %1 = cim.quantize %w {quantizer = #cim.quantizer<ui8, scale 2.500000e-01, zero_point 128>} : tensor<1x3x4xf32> -> tensor<1x3x4xui8>
// CHECK-NEXT: %2 = cim.recenter %1 {zero_point = 128 : i64} : tensor<1x3x4xui8> -> tensor<1x3x4xsi8>
// CHECK-NEXT: %3 = cim.matmul(%0, %2) {layer = "qk", precision = #cim.precision<weight 8, activation 8>} : (tensor<1x2x3xui8>, tensor<1x3x4xsi8>) -> tensor<1x2x4xsi32>
// CHECK-NEXT: %4 = cim.column_sum %2 {factor = 7 : i64} : tensor<1x3x4xsi8> -> tensor<1x1x4xsi64>
// CHECK-NEXT: %5 = weights.inline dense<1.250000e-01> : tensor<1xf64>
// CHECK-NEXT: %y = cim.dequantize(%3, %5 correction %4) {axis = 2 : i64} : (tensor<1x2x4xsi32>, tensor<1xf64> correction tensor<1x1x4xsi64>) -> tensor<1x2x4xf32>

// -----

// 2^16 * 2^16 does not fit 32 bits.

func.func @wide_sums(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<1> : tensor<1x1xsi16>
  %scale = weights.inline dense<1.0> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 16, activation 16>, input = #cim.quantizer<ui16, scale 1.0, zero_point 0>} : (tensor<1x1xf32>, tensor<1x1xsi16> scale tensor<1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: func.func @wide_sums
// CHECK: cim.matmul{{.*}} -> tensor<1x1xsi64>

// -----

func.func @not_calibrated(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<1> : tensor<1x1xsi4>
  %scale = weights.inline dense<1.0> : tensor<1xf32>
  %y = cim.matmul(%x, %weight scale %scale) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x1xf32>, tensor<1x1xsi4> scale tensor<1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'fc': the range of its activations is not known; give data to calibrate with (--calibrate DATA.npz), or a quantised model

// -----

func.func @float_weights(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %weight = weights.inline dense<1.0> : tensor<1x1xf32>
  %y = cim.matmul(%x, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<ui8, scale 1.0, zero_point 0>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'fc': quantise its weights first
