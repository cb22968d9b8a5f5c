// RUN: cimc-opt %s -p cim-allot-crossbars --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-allot-crossbars{schedule=optimal}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix OPTIMAL
// RUN: cimc-opt %s -p 'cim-allot-crossbars{schedule=resident}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix RESIDENT
// RUN: cimc-opt %s -p 'cim-allot-crossbars{schedule=alphabetical}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD

// Two layers of one tile and 8 vectors, 8 us each, one after the other. On all four crossbars each takes 16 us, but
// the second is written when the first ends: 2 * (100 + 16) us. On two each it is written in time: 100 + 2 * 32 us.

builtin.module attributes {cim.target = #cim.target<name = "four", rows = 64, cols = 64, cell_bits = 4, dac_bits = 1, write_us = 100.0, mvm_us = 1.0, crossbars = 4, mapping = "differential-column">} {
  func.func @main(%x: tensor<8x16xf32>) -> tensor<8x16xf32> {
    %w = weights.load @w : tensor<16x16xf32>
    %a = cim.matmul(%x, %w) {layer = "a", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
    %b = onnx.Relu(%a) : (tensor<8x16xf32>) -> tensor<8x16xf32>
    %c = cim.matmul(%b, %w) {layer = "b", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
    func.return %c : tensor<8x16xf32>
  }
}

// CHECK: layer = "a", {{.*}}crossbars = 2 : i64
// CHECK: layer = "b", {{.*}}crossbars = 2 : i64

// Two copies of each tile, and each keeps its crossbar.
// RESIDENT: layer = "a", {{.*}}crossbars = 2 : i64, streaming
// RESIDENT: layer = "b", {{.*}}crossbars = 2 : i64, streaming

// BAD: cim-allot-crossbars: schedule must be one of list, optimal, resident, got 'alphabetical'

// -----

// One crossbar leaves nothing to decide.

func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
  %a = cim.matmul(%x, %w) {layer = "one", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
  func.return %a : tensor<8x16xf32>
}

// CHECK: layer = "one"
// CHECK-NOT: crossbars =
// CHECK: func.return

// -----

// Three layers of one tile and 6 vectors, one after the other: changes of single layers end at 232 us. Found is one that takes
// 100 + 24 us on two crossbars, and twice 48 us on one of the other two, written in time.

builtin.module attributes {cim.target = #cim.target<name = "four", rows = 64, cols = 64, cell_bits = 4, dac_bits = 1, write_us = 100.0, mvm_us = 1.0, crossbars = 4, mapping = "differential-column">} {
  func.func @main(%x: tensor<6x16xf32>, %w: tensor<16x16xf32>) -> tensor<6x16xf32> {
    %a = cim.matmul(%x, %w) {layer = "first", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<6x16xf32>, tensor<16x16xf32>) -> tensor<6x16xf32>
    %b = cim.matmul(%a, %w) {layer = "second", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<6x16xf32>, tensor<16x16xf32>) -> tensor<6x16xf32>
    %c = cim.matmul(%b, %w) {layer = "third", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<6x16xf32>, tensor<16x16xf32>) -> tensor<6x16xf32>
    func.return %c : tensor<6x16xf32>
  }
}

// CHECK: layer = "first", {{.*}}crossbars = 4 : i64
// CHECK: layer = "second", {{.*}}crossbars = 4 : i64
// OPTIMAL: layer = "first", {{.*}}crossbars = 2 : i64
// OPTIMAL: layer = "second", {{.*}}crossbars = 1 : i64

// -----

builtin.module attributes {cim.target = #cim.target<name = "four", rows = 64, cols = 64, cell_bits = 4, dac_bits = 1, write_us = 100.0, mvm_us = 1.0, crossbars = 4, mapping = "differential-column">} {
  func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
    %a = cim.matmul(%x, %w) {layer = "undecided"} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
    func.return %a : tensor<8x16xf32>
  }
}

// CHECK: layer 'undecided' has no precision or encoding yet

// -----

func.func @main(%x: tensor<8x300xf32>, %w: tensor<300x16xf32>) -> tensor<8x16xf32> {
  %a = cim.matmul(%x, %w) {layer = "two", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<8x300xf32>, tensor<300x16xf32>) -> tensor<8x16xf32>
  func.return %a : tensor<8x16xf32>
}

// RESIDENT: a resident schedule needs a crossbar for each of the network's 2 tiles, the target has 1

// -----

// What is there already stays.

builtin.module attributes {cim.target = #cim.target<name = "four", rows = 64, cols = 64, cell_bits = 4, dac_bits = 1, write_us = 100.0, mvm_us = 1.0, crossbars = 4, mapping = "differential-column">} {
  func.func @main(%x: tensor<8x16xf32>, %w: tensor<16x16xf32>) -> tensor<8x16xf32> {
    %a = cim.matmul(%x, %w) {layer = "given", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>, crossbars = 3 : i64} : (tensor<8x16xf32>, tensor<16x16xf32>) -> tensor<8x16xf32>
    func.return %a : tensor<8x16xf32>
  }
}

// CHECK: layer = "given", {{.*}}crossbars = 3 : i64
