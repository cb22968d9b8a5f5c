// RUN: cimc-opt %s -p convert-cim-to-xbar --split-input-file --verify-diagnostics | filecheck %s

// The states of a crossbar are a chain: write, product, write, product. A layer that is placed on the other
// crossbar begins a chain of its own.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x3x6xui8>, %cells: tensor<1x6x4xui2>, %more_codes: tensor<1x1x2xui8>, %more_cells: tensor<1x2x4xui2>) -> (tensor<1x3x1xsi32>, tensor<1x1x1xsi32>) {
    %zeros = cim.zeros : tensor<1x3x1xsi32>
    %first = cim.mvm %codes, %cells, %zeros {layer = "fc1", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>, crossbar = 0 : i64, order = 0 : i64} : tensor<1x3x6xui8>, tensor<1x6x4xui2>, tensor<1x3x1xsi32>
    %sums = cim.mvm %codes, %cells, %first {layer = "fc1", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>, crossbar = 0 : i64, order = 1 : i64} : tensor<1x3x6xui8>, tensor<1x6x4xui2>, tensor<1x3x1xsi32>
    %more_zeros = cim.zeros : tensor<1x1x1xsi32>
    %more_sums = cim.mvm %more_codes, %more_cells, %more_zeros {layer = "fc2", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 2, columns 0 to 4>, crossbar = 1 : i64, order = 2 : i64} : tensor<1x1x2xui8>, tensor<1x2x4xui2>, tensor<1x1x1xsi32>
    func.return %sums, %more_sums : tensor<1x3x1xsi32>, tensor<1x1x1xsi32>
  }
}

// CHECK: func.func @main
// CHECK-NEXT: [[SECOND:%[0-9]+]] = xbar.alloc {index = 1 : i64}
// CHECK-NEXT: [[XB:%[0-9]+]] = xbar.alloc {index = 0 : i64}
// CHECK-NEXT: %zeros = cim.zeros : tensor<1x3x1xsi32>
// CHECK-NEXT: [[XB1:%[0-9]+]] = xbar.write [[XB]], %cells tile<matrix 0, rows 0 to 4, columns 0 to 4>
// CHECK-NEXT: %first, [[XB2:%[0-9]+]] = xbar.mvm [[XB1]], %codes, %zeros layer "fc1" encoding<"differential-column", cell_bits 2, slices 2>
// CHECK-NEXT: [[XB3:%[0-9]+]] = xbar.write [[XB2]], %cells tile<matrix 0, rows 4 to 6, columns 0 to 4>
// CHECK-NEXT: %sums, %{{[0-9]+}} = xbar.mvm [[XB3]], %codes, %first layer "fc1" encoding<"differential-column", cell_bits 2, slices 2>
// CHECK-NEXT: %more_zeros = cim.zeros : tensor<1x1x1xsi32>
// CHECK-NEXT: [[XB4:%[0-9]+]] = xbar.write [[SECOND]], %more_cells tile<matrix 0, rows 0 to 2, columns 0 to 4>
// CHECK-NEXT: %more_sums, %{{[0-9]+}} = xbar.mvm [[XB4]], %more_codes, %more_zeros layer "fc2"
// CHECK-NEXT: func.return %sums, %more_sums

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>, crossbar = 0 : i64} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: layer 'fc' has a tile without a place or an order; run cim-tile and cim-schedule

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %first = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 2, columns 0 to 4>, crossbar = 0 : i64, order = 1 : i64} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %first {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 2 to 4, columns 0 to 4>, crossbar = 0 : i64, order = 0 : i64} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: layer 'fc': a tile of order 0 comes after one of 1; ops must stand in their order

// -----

func.func @helper() {
  func.return
}

// CHECK: the program has no function 'main'
