// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/ones_and_a_four.npz"}' | filecheck %s
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/ones_and_a_four.npz" method="minmax"}' | filecheck %s --check-prefix MINMAX
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/ones_and_a_four.npz" method="percentile"}' | filecheck %s --check-prefix PERCENTILE
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/ones_and_a_four.npz" samples=15}' | filecheck %s --check-prefix SAMPLES
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/zeros.npz"}' | filecheck %s --check-prefix ZEROS
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/ones_and_a_four.npz" method="guess"}' --verify-diagnostics | filecheck %s --check-prefix METHOD
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/not_finite.npz"}' --verify-diagnostics | filecheck %s --check-prefix FINITE
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/wrong_shape.npz"}' --verify-diagnostics | filecheck %s --check-prefix SHAPE
// RUN: cimc-opt %s -p 'cim-calibrate{data="%S/Inputs/no_such_file.npz"}' --verify-diagnostics | filecheck %s --check-prefix MISSING

// The data are 15 ones and a four (Inputs/make_inputs.py). The weights are 1, so every layer sees them.

func.func @main(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %one = weights.inline dense<1.0> : tensor<1x1xf32>
  %zero = weights.inline dense<0.0> : tensor<f32>
  %below = weights.inline dense<-1.0> : tensor<f32>
  %signed = cim.matmul(%x, %one) {layer = "signed", precision = #cim.precision<weight 8, activation 2>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %relu = onnx.Relu(%x) : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %unsigned = cim.matmul(%relu, %one) {layer = "unsigned", precision = #cim.precision<weight 8, activation 2>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %clip = onnx.Clip(%x, %zero) : (tensor<1x1xf32>, tensor<f32>) -> tensor<1x1xf32>
  %clip_flat = onnx.Flatten(%clip) : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %clipped = cim.matmul(%clip_flat, %one) {layer = "clipped", precision = #cim.precision<weight 8, activation 2>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %clip_below = onnx.Clip(%x, %below) : (tensor<1x1xf32>, tensor<f32>) -> tensor<1x1xf32>
  %clipped_below = cim.matmul(%clip_below, %one) {layer = "clipped_below", precision = #cim.precision<weight 8, activation 2>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %product = cim.matmul(%relu, %x) {layer = "product", precision = #cim.precision<weight 2, activation 2>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  %known = cim.matmul(%x, %one) {layer = "known", precision = #cim.precision<weight 8, activation 2>, input = #cim.quantizer<si2, scale 0.5, zero_point 0>} : (tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x1xf32>
  func.return %x : tensor<1x1xf32>
}

// Codes -2..1 with step t make an error of 15 (1 - t)^2 + (4 - t)^2, least for t = 19 / 16; codes 0..3 one of
// 15 (1 - t)^2 + (4 - 3t)^2, least for t = 9 / 8. Both lie on the 64 steps that are tried.
// CHECK: layer = "signed", precision = #cim.precision<weight 8, activation 2>, input = #cim.quantizer<si2, scale 1.187500e+00, zero_point 0>} :
// CHECK: layer = "unsigned", {{.*}}input = #cim.quantizer<ui2, scale 1.125000e+00, zero_point 0>} :
// CHECK: layer = "clipped", {{.*}}input = #cim.quantizer<ui2, scale 1.125000e+00, zero_point 0>} :
// CHECK: layer = "clipped_below", {{.*}}input = #cim.quantizer<si2, scale 1.187500e+00, zero_point 0>} :
// CHECK-NEXT: layer = "product", {{.*}}input = #cim.quantizer<ui2, scale 1.125000e+00, zero_point 0>, stored = #cim.quantizer<si2, scale 1.187500e+00, zero_point 0, narrow>} :
// CHECK-NEXT: layer = "known", {{.*}}input = #cim.quantizer<si2, scale 5.000000e-01, zero_point 0>} :

// The largest code, 1 or 3, stands for 4: float32(4 / 3).
// MINMAX: layer = "signed", {{.*}}input = #cim.quantizer<si2, scale 4.000000e+00, zero_point 0>} :
// MINMAX: layer = "unsigned", {{.*}}input = #cim.quantizer<ui2, scale 1.3333333730697632, zero_point 0>} :
// MINMAX: layer = "product", {{.*}}stored = #cim.quantizer<si2, scale 4.000000e+00, zero_point 0, narrow>} :

// Of 16 values, 99.9 % end at 1 + (0.999 * 15 - 14) * (4 - 1) = 3.955.
// PERCENTILE: layer = "signed", {{.*}}input = #cim.quantizer<si2, scale 3.95499

// SAMPLES: layer = "signed", {{.*}}input = #cim.quantizer<si2, scale 1.000000e+00, zero_point 0>} :

// ZEROS: layer = "signed", {{.*}}input = #cim.quantizer<si2, scale 1.000000e+00, zero_point 0>} :

// METHOD: the method must be one of mse, percentile, minmax, got 'guess'
// FINITE: layer 'signed': the data gives values that are not finite
// SHAPE: wrong_shape.npz: 'x' has shape [2, 3], the input 'x0' needs [1, 1] (or a multiple of its first size)
// MISSING: no_such_file.npz: cannot be read: No such file or directory
