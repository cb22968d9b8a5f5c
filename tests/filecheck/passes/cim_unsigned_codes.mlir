// RUN: cimc-opt %s -p cim-unsigned-codes,weights-inline --split-input-file --verify-diagnostics | filecheck %s

// The smallest code becomes 0; what each output's weights gain is taken off, times the sum of the window.

func.func @conv(%x: tensor<1x2x3xui4>) -> tensor<1x2x4xsi32> {
  %w = weights.inline dense<[[[3, -2]], [[-7, 0]]]> : tensor<2x1x2xsi4>
  %y = cim.conv(%x, %w) {layer = "conv", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 2 : i64, pad_code = 5 : i64} : (tensor<1x2x3xui4>, tensor<2x1x2xsi4>) -> tensor<1x2x4xsi32>
  func.return %y : tensor<1x2x4xsi32>
}

// CHECK: func.func @conv
// CHECK-NEXT: %0 = weights.inline dense<[{{\[\[}}10, 5]], {{\[\[}}0, 7]]]> : tensor<2x1x2xui4>
// CHECK-NEXT: %1 = cim.conv(%x, %0) {{.*}}pad_code = 5 : i64} : (tensor<1x2x3xui4>, tensor<2x1x2xui4>) -> tensor<1x2x4xsi32>
// CHECK-NEXT: %2 = cim.window_sum %x {kernel = array<i64: 2>, strides = array<i64: 1>, pads = array<i64: 1, 1>, dilations = array<i64: 1>, groups = 2 : i64, pad_code = 5 : i64} : tensor<1x2x3xui4> -> tensor<1x2x4xsi32>
// CHECK-NEXT: %3 = weights.inline dense<7> : tensor<2xsi32>
// CHECK-NEXT: %y = cim.subtract_offset(%1, %2, %3) {axis = 1 : i64} : tensor<1x2x4xsi32>, tensor<1x2x4xsi32>, tensor<2xsi32> -> tensor<1x2x4xsi32>

// -----

// Inputs with a sign that drive stacked planes: raised by 8; times the sums of the weights, 4 and -8.

func.func @planes(%x: tensor<5x2xsi4>) -> tensor<5x2xsi32> {
  %w = weights.inline dense<[[3, -7], [1, -1]]> : tensor<2x2xsi4>
  %y = cim.matmul(%x, %w) {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2, planes 4 of 1>} : (tensor<5x2xsi4>, tensor<2x2xsi4>) -> tensor<5x2xsi32>
  func.return %y : tensor<5x2xsi32>
}

// CHECK: func.func @planes
// CHECK: %0 = cim.recenter %x {zero_point = -8 : i64} : tensor<5x2xsi4> -> tensor<5x2xui4>
// CHECK-NEXT: %1 = cim.matmul(%0, %w)
// CHECK-NEXT: %2 = weights.inline dense<{{\[\[}}32, -64]]> : tensor<1x2xsi64>
// CHECK-NEXT: %y = cim.subtract %1, %2

// -----

// A computed operand is raised at run time.

func.func @computed(%x: tensor<2x3x4xui4>, %w: tensor<2x4x5xsi4>) -> tensor<2x3x5xsi32> {
  %y = cim.matmul(%x, %w) {layer = "qk", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<2x3x4xui4>, tensor<2x4x5xsi4>) -> tensor<2x3x5xsi32>
  func.return %y : tensor<2x3x5xsi32>
}

// CHECK: func.func @computed
// CHECK-NEXT: %0 = cim.recenter %w {zero_point = -8 : i64} : tensor<2x4x5xsi4> -> tensor<2x4x5xui4>
// CHECK-NEXT: %1 = cim.matmul(%x, %0)
// CHECK-NEXT: %2 = cim.input_sum %x : tensor<2x3x4xui4> -> tensor<2x3x1xsi32>

// -----

// Nothing to do: no encoding, codes without a sign, a column of ones.

func.func @none(%x: tensor<1x2xui4>, %w: tensor<2x1xui4>) {
  %0 = cim.matmul(%x, %w) {layer = "a"} : (tensor<1x2xui4>, tensor<2x1xui4>) -> tensor<1x1xsi32>
  %1 = cim.matmul(%x, %w) {layer = "b", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<1x2xui4>, tensor<2x1xui4>) -> tensor<1x1xsi32>
  %2 = cim.matmul(%x, %w) {layer = "c", encoding = #cim.encoding<"offset", cell_bits 4, slices 1>} : (tensor<1x2xui4>, tensor<2x1xui4>) -> tensor<1x1xsi32>
  func.return
}

// CHECK: func.func @none
// CHECK-NOT: subtract
// CHECK: func.return

// -----

func.func @floats(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) -> tensor<1x1xf32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'fc' is not quantised yet; run cim-quantize
