// What does not verify is one line that names the op, or the node of the model that it comes from.
// RUN: cimc-opt %s --split-input-file --verify-diagnostics -p cim-select-mapping | filecheck %s
// RUN: ! cimc-opt %s --split-input-file > %t.txt 2>&1
// RUN: filecheck %s --check-prefix ERROR < %t.txt

// CHECK: node 'node_1' (cim.matmul): a layer on codes takes codes as weights, no scale, no bias
// ERROR: cimc-opt: error: {{.*}}diagnostics.mlir: node 'node_1' (cim.matmul): a layer on codes takes codes as weights
func.func @main(%x: tensor<1x6xui8>, %w: tensor<6x4xf32>) -> tensor<1x4xf32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x6xui8>, tensor<6x4xf32>) -> tensor<1x4xf32> loc("node_1")
  func.return %y : tensor<1x4xf32>
}

// -----

// CHECK: {{^}}cim.matmul: a layer on codes takes codes as weights, no scale, no bias
func.func @main(%x: tensor<1x6xui8>, %w: tensor<6x4xf32>) -> tensor<1x4xf32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x6xui8>, tensor<6x4xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}

// -----

// CHECK: layer 'fc' has no precision; assign one first
func.func @main(%x: tensor<1x6xf32>, %w: tensor<6x4xf32>) -> tensor<1x4xf32> {
  %y = cim.matmul(%x, %w) {layer = "fc"} : (tensor<1x6xf32>, tensor<6x4xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}
