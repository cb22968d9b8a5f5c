// RUN: cimc-opt %s -p cim-tile,cim-order --split-input-file --verify-diagnostics | filecheck %s
// RUN: cimc-opt %s -p 'cim-tile,cim-order{by=row}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix ROW
// RUN: cimc-opt %s -p 'cim-order{by=diagonal}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix BAD
// RUN: cimc-opt %s -p cim-order --split-input-file --verify-diagnostics | filecheck %s --check-prefix UNTILED

// Two layers, of two by two tiles and of one.

builtin.module attributes {cim.target = #cim.target<name = "tiny", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 2, mapping = "differential-column">} {
  func.func @main(%codes: tensor<1x3x6xui8>, %cells: tensor<1x6x8xui2>, %more_codes: tensor<1x1x2xui8>, %more_cells: tensor<1x2x4xui2>) -> (tensor<1x3x2xsi32>, tensor<1x1x1xsi32>) {
    %zeros = cim.zeros : tensor<1x3x2xsi32>
    %sums = cim.mvm %codes, %cells, %zeros {layer = "fc1", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x3x6xui8>, tensor<1x6x8xui2>, tensor<1x3x2xsi32>
    %more_zeros = cim.zeros : tensor<1x1x1xsi32>
    %more_sums = cim.mvm %more_codes, %more_cells, %more_zeros {layer = "fc2", encoding = #cim.encoding<"differential-column", cell_bits 2, slices 2>} : tensor<1x1x2xui8>, tensor<1x2x4xui2>, tensor<1x1x1xsi32>
    func.return %sums, %more_sums : tensor<1x3x2xsi32>, tensor<1x1x1xsi32>
  }
}

// CHECK: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>, order = 0 : i64}
// CHECK-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>, order = 1 : i64}
// CHECK-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 0 to 4, columns 4 to 8>, order = 2 : i64}
// CHECK-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 4 to 8>, order = 3 : i64}
// CHECK-NEXT: %more_zeros
// CHECK-NEXT: layer = "fc2", {{.*}}tile = #cim.tile<matrix 0, rows 0 to 2, columns 0 to 4>, order = 4 : i64}

// ROW: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 0 to 4, columns 0 to 4>, order = 0 : i64}
// ROW-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 0 to 4, columns 4 to 8>, order = 1 : i64}
// ROW-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 0 to 4>, order = 2 : i64}
// ROW-NEXT: layer = "fc1", {{.*}}tile = #cim.tile<matrix 0, rows 4 to 6, columns 4 to 8>, order = 3 : i64}
// ROW-NEXT: %more_zeros
// ROW-NEXT: layer = "fc2", {{.*}}order = 4 : i64}

// BAD: cim-order: by must be column or row, got 'diagonal'

// UNTILED: layer 'fc1' is not cut into tiles; run cim-tile
