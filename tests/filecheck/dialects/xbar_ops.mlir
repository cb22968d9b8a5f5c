// RUN: cimc-opt %s | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | cimc-opt | filecheck %s
// RUN: cimc-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @chain(%v: tensor<1x5x64xui8>, %cells: tensor<1x64x40xui4>, %zeros: tensor<1x5x10xsi32>) -> tensor<1x5x10xsi32> {
  %xb = xbar.alloc {index = 0 : i64}
  %xb1 = xbar.write %xb, %cells tile<matrix 0, rows 0 to 32, columns 0 to 40>
  %half, %xb2 = xbar.mvm %xb1, %v, %zeros layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  %xb3 = xbar.write %xb2, %cells tile<matrix 0, rows 32 to 64, columns 0 to 40>
  %some, %xb4 = xbar.mvm %xb3, %v, %half layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<0 to 5 step 2>
  %sums, %xb5 = xbar.mvm %xb4, %v, %some layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<1 to 4 step 2> streaming adc_range 1.205000e+02
  func.return %sums : tensor<1x5x10xsi32>
}

func.func @state(%xb: !xbar.crossbar) -> !xbar.crossbar {
  func.return %xb : !xbar.crossbar
}

// CHECK: func.func @chain(%v: tensor<1x5x64xui8>, %cells: tensor<1x64x40xui4>, %zeros: tensor<1x5x10xsi32>) -> tensor<1x5x10xsi32> {
// CHECK-NEXT: %xb = xbar.alloc {index = 0 : i64}
// CHECK-NEXT: %xb1 = xbar.write %xb, %cells tile<matrix 0, rows 0 to 32, columns 0 to 40>
// CHECK-NEXT: %half, %xb2 = xbar.mvm %xb1, %v, %zeros layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
// CHECK-NEXT: %xb3 = xbar.write %xb2, %cells tile<matrix 0, rows 32 to 64, columns 0 to 40>
// CHECK-NEXT: %some, %xb4 = xbar.mvm %xb3, %v, %half layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<0 to 5 step 2>
// CHECK-NEXT: %sums, %xb5 = xbar.mvm %xb4, %v, %some layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<1 to 4 step 2> streaming adc_range 1.205000e+02
// CHECK-NEXT: func.return %sums : tensor<1x5x10xsi32>
// CHECK: func.func @state(%xb: !xbar.crossbar) -> !xbar.crossbar {
// CHECK-NEXT: func.return %xb : !xbar.crossbar

// GENERIC: %xb = "xbar.alloc"() <{index = 0 : i64}> : () -> !xbar.crossbar
// GENERIC: %xb1 = "xbar.write"(%xb, %cells) <{tile = #cim.tile<matrix 0, rows 0 to 32, columns 0 to 40>}> : (!xbar.crossbar, tensor<1x64x40xui4>) -> !xbar.crossbar
// GENERIC: %half, %xb2 = "xbar.mvm"(%xb1, %v, %zeros) <{layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}> : (!xbar.crossbar, tensor<1x5x64xui8>, tensor<1x5x10xsi32>) -> (tensor<1x5x10xsi32>, !xbar.crossbar)
// GENERIC: "func.func"() <{sym_name = "state", function_type = (!xbar.crossbar) -> !xbar.crossbar}> ({
