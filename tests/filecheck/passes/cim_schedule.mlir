// RUN: cimc-opt %s -p cim-schedule --split-input-file --verify-diagnostics | filecheck %s

// The first layer has two tiles of 6 vectors, 8 us each, on three crossbars. All end by 48 us: the first crossbar has
// streamed 5 vectors of the first tile after its write, the second one the last of it and, after another write, 3
// of the second tile, the third the other 3, and has time to write the second layer's tile before its vectors are
// there.

builtin.module attributes {cim.target = #cim.target<name = "three", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 8.0, mvm_us = 1.0, crossbars = 3, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x6x6xui8>, %cells: tensor<1x6x4xui2>, %more_cells: tensor<1x1x4xui2>) -> tensor<1x6x1xsi32> {
    %zeros = cim.zeros : tensor<1x6x1xsi32>
    %first = cim.mvm %codes, %cells, %zeros {layer = "fc1", crossbars = 3 : i64, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x6x6xui8>, tensor<1x6x4xui2>, tensor<1x6x1xsi32>
    %sums = cim.mvm %codes, %cells, %first {layer = "fc1", crossbars = 3 : i64, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>} : tensor<1x6x6xui8>, tensor<1x6x4xui2>, tensor<1x6x1xsi32>
    %more_zeros = cim.zeros : tensor<1x6x1xsi32>
    %more = cim.mvm %sums, %more_cells, %more_zeros {layer = "fc2", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 1, columns 0 to 4>} : tensor<1x6x1xsi32>, tensor<1x1x4xui2>, tensor<1x6x1xsi32>
    func.return %more : tensor<1x6x1xsi32>
  }
}

// CHECK: %zeros = cim.zeros
// CHECK-NEXT: %0 = cim.mvm %codes, %cells, %zeros {layer = "fc1", {{.*}}rows 0 to 4, {{.*}}, crossbar = 0 : i64, order = 0 : i64, vectors = #cim.vectors<0 to 5>}
// CHECK-NEXT: %1 = cim.mvm %codes, %cells, %0 {layer = "fc1", {{.*}}rows 0 to 4, {{.*}}, crossbar = 1 : i64, order = 1 : i64, vectors = #cim.vectors<5 to 6>}
// CHECK-NEXT: %2 = cim.mvm %codes, %cells, %1 {layer = "fc1", {{.*}}rows 4 to 6, {{.*}}, crossbar = 1 : i64, order = 2 : i64, vectors = #cim.vectors<0 to 3>}
// CHECK-NEXT: %sums = cim.mvm %codes, %cells, %2 {layer = "fc1", {{.*}}rows 4 to 6, {{.*}}, crossbar = 2 : i64, order = 3 : i64, vectors = #cim.vectors<3 to 6>}
// CHECK-NEXT: %more_zeros = cim.zeros
// CHECK-NEXT: %more = cim.mvm %sums, %more_cells, %more_zeros {layer = "fc2", {{.*}}, crossbar = 2 : i64, order = 4 : i64}

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: layer 'fc' is not cut into tiles; run cim-tile

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", crossbars = 2 : i64, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: layer 'fc' wants 2 crossbars, the target has 1

// -----

// Two copies of a resident tile take the vectors in turn.

builtin.module attributes {cim.target = #cim.target<name = "three", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 8.0, mvm_us = 1.0, crossbars = 3, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
    %zeros = cim.zeros : tensor<1x3x1xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", crossbars = 2 : i64, streaming, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
    func.return %sums : tensor<1x3x1xsi32>
  }
}

// CHECK: %0 = cim.mvm %codes, %cells, %zeros {layer = "fc", streaming, {{.*}}, crossbar = 0 : i64, order = 0 : i64, vectors = #cim.vectors<0 to 3 step 2>}
// CHECK-NEXT: %sums = cim.mvm %codes, %cells, %0 {layer = "fc", streaming, {{.*}}, crossbar = 1 : i64, order = 1 : i64, vectors = #cim.vectors<1 to 3 step 2>}

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", crossbars = 2 : i64, streaming, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: the network wants 2 crossbars, the target has 1

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", streaming, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  %more = cim.mvm %codes, %cells, %sums {layer = "waiting", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  %zeros_too = cim.zeros : tensor<1x3x1xsi32>
  %rest = cim.mvm %codes, %cells, %zeros_too {layer = "rest", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %rest : tensor<1x3x1xsi32>
}

// CHECK: some layers are streaming and some are not; tiles stay in crossbars for all or none

// -----

builtin.module attributes {cim.target = #cim.target<name = "five", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 8.0, mvm_us = 1.0, crossbars = 5, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
    %zeros = cim.zeros : tensor<1x3x1xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", crossbars = 4 : i64, streaming, encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
    func.return %sums : tensor<1x3x1xsi32>
  }
}

// CHECK: layer 'fc' streams 3 vectors through 1 resident tiles: its crossbars must be 1 to 3 for each tile, got 4 in all
