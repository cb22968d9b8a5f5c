// RUN: cimc-opt %s -p cim-place --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-place{crossbar=1}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix SECOND
// RUN: cimc-opt %s -p 'cim-place{crossbar=2}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix NONE

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x3x6xui8>, %cells: tensor<1x6x4xui2>) -> tensor<1x3x1xsi32> {
    %zeros = cim.zeros : tensor<1x3x1xsi32>
    %first = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>} : tensor<1x3x6xui8>, tensor<1x6x4xui2>, tensor<1x3x1xsi32>
    %sums = cim.mvm %codes, %cells, %first {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>} : tensor<1x3x6xui8>, tensor<1x6x4xui2>, tensor<1x3x1xsi32>
    func.return %sums : tensor<1x3x1xsi32>
  }
}

// CHECK: %first = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>, tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>, crossbar = 0 : i64} :
// CHECK-NEXT: %sums = cim.mvm %codes, %cells, %first {{.*}}, tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>, crossbar = 0 : i64} :

// SECOND: %first = cim.mvm {{.*}}, crossbar = 1 : i64} :
// SECOND-NEXT: %sums = cim.mvm {{.*}}, crossbar = 1 : i64} :

// NONE: crossbar 2 is none of the target's 2 (from 0 on)

// -----

func.func @main(%codes: tensor<1x3x4xui8>, %cells: tensor<1x4x4xui2>) -> tensor<1x3x1xsi32> {
  %zeros = cim.zeros : tensor<1x3x1xsi32>
  %sums = cim.mvm %codes, %cells, %zeros {layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x3x4xui8>, tensor<1x4x4xui2>, tensor<1x3x1xsi32>
  func.return %sums : tensor<1x3x1xsi32>
}

// CHECK: layer 'fc' is not cut into tiles; run cim-tile
// The default target has one crossbar.
// SECOND: crossbar 1 is none of the target's 1 (from 0 on)
