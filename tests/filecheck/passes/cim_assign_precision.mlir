// RUN: cimc-opt %s -p 'cim-assign-precision{policy="%S/Inputs/policy.json"}' | filecheck %s
// RUN: cimc-opt %s -p 'cim-assign-precision{weight-bits=4 activation-bits=5}' | filecheck %s --check-prefix ALL
// RUN: cimc-opt %s -p 'cim-assign-precision{policy="%S/Inputs/policy_unknown_layer.json"}' --verify-diagnostics | filecheck %s --check-prefix UNKNOWN
// RUN: cimc-opt %s -p 'cim-assign-precision{policy="%S/Inputs/policy_too_wide.json"}' --verify-diagnostics | filecheck %s --check-prefix WIDE
// RUN: cimc-opt %s -p 'cim-assign-precision{policy="%S/Inputs/no_such_file.json"}' --verify-diagnostics | filecheck %s --check-prefix MISSING
// RUN: cimc-opt %s -p 'cim-assign-precision{weight-bits=4}' --verify-diagnostics | filecheck %s --check-prefix BOTH
// RUN: cimc-opt %s -p 'cim-assign-precision{weight-bits=1 activation-bits=8}' --verify-diagnostics | filecheck %s --check-prefix NARROW

func.func @main(%x: tensor<1x3x4xf32>, %conv: tensor<2x3x3xf32>, %fc: tensor<2x5xf32>, %more: tensor<5x5xf32>) -> tensor<1x2x5xf32> {
  %0 = cim.conv(%x, %conv) {layer = "conv1", precision = #cim.precision<weight 8, activation 8>, strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<1x3x4xf32>, tensor<2x3x3xf32>) -> tensor<1x2x2xf32>
  %1 = cim.matmul(%0, %fc) {layer = "head", aliases = ["/head/MatMul"], precision = #cim.precision<weight 8, activation 8>} : (tensor<1x2x2xf32>, tensor<2x5xf32>) -> tensor<1x2x5xf32>
  %2 = cim.matmul(%1, %more) {layer = "more", precision = #cim.precision<weight 7, activation 6>} : (tensor<1x2x5xf32>, tensor<5x5xf32>) -> tensor<1x2x5xf32>
  func.return %2 : tensor<1x2x5xf32>
}

// A layer goes by any of its names; one that the policy leaves out keeps what it has.
// CHECK: %0 = cim.conv{{.*}}layer = "conv1", precision = #cim.precision<weight 4, activation 5>
// CHECK-NEXT: %{{[12]}} = cim.matmul{{.*}}layer = "head", aliases = ["/head/MatMul"], precision = #cim.precision<weight 2, activation 3>
// CHECK-NEXT: %{{[12]}} = cim.matmul{{.*}}layer = "more", precision = #cim.precision<weight 7, activation 6>

// ALL: %0 = cim.conv{{.*}}precision = #cim.precision<weight 4, activation 5>
// ALL-NEXT: %{{[12]}} = cim.matmul{{.*}}precision = #cim.precision<weight 4, activation 5>
// ALL-NEXT: %{{[12]}} = cim.matmul{{.*}}precision = #cim.precision<weight 4, activation 5>

// UNKNOWN: the policy names layer 'conv2', which the network does not have; near are 'conv1'
// WIDE: policy_too_wide.json: layer 'conv1': weight_bits must be from 2 to 8, got 9
// MISSING: no_such_file.json: cannot be read: No such file or directory
// BOTH: cim-assign-precision: give both weight-bits and activation-bits
// NARROW: weight_bits must be from 2 to 8, got 1
