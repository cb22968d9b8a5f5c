// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz"}' | filecheck %s
// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz" method="percentile" percentile=80.0}' | filecheck %s
// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz" method="percentile" percentile=75.0}' | filecheck %s --check-prefix LOW
// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/zeros.npz"}' | filecheck %s --check-prefix LOW
// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz" method="guess"}' --verify-diagnostics | filecheck %s --check-prefix METHOD
// RUN: cimc-opt %s -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz" percentile=101.0}' --verify-diagnostics | filecheck %s --check-prefix PERCENTILE
// RUN: sed 's/, adc = {bits = 3}//' %s | cimc-opt -p 'xbar-calibrate-adc{data="%S/Inputs/ones_and_a_four.npz"}' --verify-diagnostics | filecheck %s --check-prefix IDEAL

// The data are 15 ones and a four, so of the four bits of each code one is 1 and is read as 5: a quarter of
// the reads. With 3 bits (codes -3 to 3) they are exact if the range is 5, which is the only one.

builtin.module attributes {cim.target = #cim.target<name = "t", rows = 4, cols = 4, cell_bits = 4, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column", adc = {bits = 3}>} {
func.func @main(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %one = weights.inline dense<1.0> : tensor<1xf64>
  %cells = weights.inline dense<[[[5, 0]]]> : tensor<1x1x2xui4>
  %codes = cim.quantize %x {quantizer = #cim.quantizer<ui4, scale 1.0, zero_point 0>} : tensor<1x1xf32> -> tensor<1x1xui4>
  %v = cim.reshape %codes : tensor<1x1xui4> -> tensor<1x1x1xui4>
  %0 = cim.zeros : tensor<1x1x1xsi32>
  %xb = xbar.alloc {index = 0 : i64}
  %xb1 = xbar.write %xb, %cells tile<matrix 0, rows 0 to 1, columns 0 to 2>
  %s, %xb2 = xbar.mvm %xb1, %v, %0 layer "fc" encoding<"differential-column", cell_bits 4, slices 1>
  %sums = cim.reshape %s : tensor<1x1x1xsi32> -> tensor<1x1xsi32>
  %y = cim.dequantize(%sums, %one) {axis = 1 : i64} : (tensor<1x1xsi32>, tensor<1xf64>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}
}

// CHECK: xbar.mvm %xb1, %v, %0 layer "fc" encoding<"differential-column", cell_bits 4, slices 1> adc_range 5.000000e+00
// LOW: xbar.mvm {{.*}} adc_range 1.000000e+00
// METHOD: the method must be one of mse, percentile, got 'guess'
// PERCENTILE: percentile must be above 0 and at most 100, got 101.0
// IDEAL: the ADCs of target t are ideal: say first how many bits they have
