// RUN: cimc-opt %s -p cim-tile --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-tile{rows=2 cols=8}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix SIZE
// RUN: cimc-opt %s -p cim-tile --split-input-file --verify-diagnostics | filecheck %s --check-prefix MASK
// RUN: cimc-opt %s -p cim-tile,cim-tile --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-tile{rows=0}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix NONE
// RUN: cimc-opt %s -p 'cim-tile{cols=1}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix PAIR

// Crossbars of 4x4: 6 rows and 8 columns make two by two tiles, those of a column first.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @one_matrix(%codes: tensor<1x3x6xui8>, %cells: tensor<1x6x8xui2>) -> tensor<1x3x2xsi32> {
    %zeros = cim.zeros : tensor<1x3x2xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x3x6xui8>, tensor<1x6x8xui2>, tensor<1x3x2xsi32>
    func.return %sums : tensor<1x3x2xsi32>
  }
}

// CHECK: func.func @one_matrix
// CHECK-NEXT: %zeros = cim.zeros : tensor<1x3x2xsi32>
// CHECK-NEXT: %0 = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x6xui8>, tensor<1x6x8xui2>, tensor<1x3x2xsi32>
// CHECK-NEXT: %1 = cim.mvm %codes, %cells, %0 {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>}
// CHECK-NEXT: %2 = cim.mvm %codes, %cells, %1 {{.*}}tile = #cim.tile<matrix 0, rows 0 to 4, columns 4 to 8>}
// CHECK-NEXT: %{{.*}} = cim.mvm %codes, %cells, %2 {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 4 to 8>}
// CHECK-NEXT: func.return

// NONE: cim-tile: rows and cols must be 1 or more, got 0 and 4
// PAIR: tile #cim.tile<matrix 0, rows 0 to 4, columns 0 to 1> cuts through a pair of columns

// SIZE: func.func @one_matrix
// SIZE: tile = #cim.tile<matrix 0, rows 0 to 2, columns 0 to 8>
// SIZE-NEXT: tile = #cim.tile<matrix 0, rows 2 to 4, columns 0 to 8>
// SIZE-NEXT: tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 8>
// SIZE-NEXT: func.return

// -----

// Two matrices share no tile.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @two_matrices(%codes: tensor<2x3x2xui8>, %cells: tensor<2x2x4xui2>) -> tensor<2x3x1xsi32> {
    %zeros = cim.zeros : tensor<2x3x1xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "qk", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<2x3x2xui8>, tensor<2x2x4xui2>, tensor<2x3x1xsi32>
    func.return %sums : tensor<2x3x1xsi32>
  }
}

// CHECK: func.func @two_matrices
// CHECK: tile = #cim.tile<matrix 0, rows 0 to 2, columns 0 to 4>
// CHECK-NEXT: tile = #cim.tile<matrix 1, rows 0 to 2, columns 0 to 4>
// CHECK-NEXT: func.return

// -----

// The unit column of the offset mapping may stand alone in a tile; digits of one output in two tiles.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @offset(%codes: tensor<1x1x2xui8>, %cells: tensor<1x2x13xui2>) -> tensor<1x1x5xsi32> {
    %zeros = cim.zeros : tensor<1x1x5xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 2, slices 3>} : tensor<1x1x2xui8>, tensor<1x2x13xui2>, tensor<1x1x5xsi32>
    func.return %sums : tensor<1x1x5xsi32>
  }
}

// CHECK: func.func @offset
// CHECK: columns 0 to 4>
// CHECK-NEXT: columns 4 to 8>
// CHECK-NEXT: columns 8 to 12>
// CHECK-NEXT: columns 12 to 13>
// CHECK-NEXT: func.return

// -----

// A patch of 2x2 positions on crossbars of 4x3 blocks of one cell: a known cover has 5 tiles, where chunks of
// columns would be 7. What several tiles have in common is left out of all but one.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 3, cell_bits = 4, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "offset">} {
  func.func @cover(%codes: tensor<1x9x16xui4>, %cells: tensor<1x16x4xui4>) -> tensor<1x9x4xsi32> {
    %zeros = cim.zeros : tensor<1x9x4xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "conv", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>, structure = #cim.structure<groups 1, positions [2, 2], kernel [3, 3], strides [1, 1], dilations [1, 1], covered>} : tensor<1x9x16xui4>, tensor<1x16x4xui4>, tensor<1x9x4xsi32>
    func.return %sums : tensor<1x9x4xsi32>
  }
}

// CHECK: func.func @cover
// CHECK-COUNT-5: tile = #cim.tile<matrix 0, rows
// CHECK-NEXT: func.return

// MASK: func.func @cover
// MASK: tile = #cim.tile<matrix 0, rows {{[^>]*}}, columns {{[^>]*}}, without rows {{[0-9]+}} to {{[0-9]+}} columns {{[0-9]+}} to

// -----

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 3, cols = 1, cell_bits = 4, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "offset">} {
  func.func @unknown(%codes: tensor<1x9x16xui4>, %cells: tensor<1x16x4xui4>) -> tensor<1x9x4xsi32> {
    %zeros = cim.zeros : tensor<1x9x4xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "conv", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>, structure = #cim.structure<groups 1, positions [2, 2], kernel [3, 3], strides [1, 1], dilations [1, 1], covered>} : tensor<1x9x16xui4>, tensor<1x16x4xui4>, tensor<1x9x4xsi32>
    func.return %sums : tensor<1x9x4xsi32>
  }
}

// CHECK: no cover is known of patches of [2, 2] positions, in blocks of 1x1 cells on 3x1: leave out covered
