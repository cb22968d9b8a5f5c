// RUN: cimc-opt %s -p cim-swap-operands --split-input-file --verify-diagnostics | filecheck %s

func.func @swapped(%x: tensor<12x50x40xui4>, %w: tensor<12x40x64xsi7>) -> tensor<12x50x64xsi32> {
  %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs", packing = #cim.packing<groups 2, positions [1]>} : (tensor<12x50x40xui4>, tensor<12x40x64xsi7>) -> tensor<12x50x64xsi32>
  func.return %y : tensor<12x50x64xsi32>
}

// CHECK: func.func @swapped
// CHECK-NEXT: %0 = cim.transpose %w : tensor<12x40x64xsi7> -> tensor<12x64x40xsi7>
// CHECK-NEXT: %1 = cim.transpose %x : tensor<12x50x40xui4> -> tensor<12x40x50xui4>
// CHECK-NEXT: %2 = cim.matmul(%0, %1) {layer = "av", packing = #cim.packing<groups 2, positions [1]>} : (tensor<12x64x40xsi7>, tensor<12x40x50xui4>) -> tensor<12x64x50xsi32>
// CHECK-NEXT: %y = cim.transpose %2 : tensor<12x64x50xsi32> -> tensor<12x50x64xsi32>

// -----

func.func @constant(%x: tensor<1x2xui4>) -> tensor<1x1xsi32> {
  %w = weights.inline dense<[[1], [2]]> : tensor<2x1xsi4>
  %y = cim.matmul(%x, %w) {layer = "fc", stationary = "inputs"} : (tensor<1x2xui4>, tensor<2x1xsi4>) -> tensor<1x1xsi32>
  func.return %y : tensor<1x1xsi32>
}

// CHECK: layer 'fc' cannot store its inputs: its operands are not both computed

// -----

func.func @floats(%x: tensor<1x2xf32>, %w: tensor<2x1xf32>) -> tensor<1x1xf32> {
  %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs"} : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  func.return %y : tensor<1x1xf32>
}

// CHECK: layer 'av' is not quantised yet; run cim-quantize
