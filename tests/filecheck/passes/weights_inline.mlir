// RUN: cimc-opt %s -p 'cim-quantize-weights,weights-inline' | filecheck %s
// RUN: cimc-opt %s -p 'cim-quantize-weights,weights-inline{max-elements=2}' | filecheck %s --check-prefix SMALL
// RUN: cimc-opt %s -p 'cim-quantize-weights,weights-inline{max-elements=0}' | filecheck %s --check-prefix NONE

// The other pass makes the arrays: 7, -14, 4, 2 in four bits with scales 1 and 2 for the two outputs.

func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[7.0, -14.0], [4.0, 2.0]]> : tensor<2x2xf32>
  %y = cim.matmul(%x, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: %0 = weights.inline dense<[[7, -7], [4, 1]]> : tensor<2x2xsi4>
// CHECK-NEXT: %1 = weights.inline dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: %y = cim.matmul(%x, %0 scale %1)

// SMALL: %0 = weights.load @fc.codes : tensor<2x2xsi4>
// SMALL-NEXT: %1 = weights.inline dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>

// NONE: %0 = weights.load @fc.codes : tensor<2x2xsi4>
// NONE-NEXT: %1 = weights.load @fc.scale : tensor<2xf32>
