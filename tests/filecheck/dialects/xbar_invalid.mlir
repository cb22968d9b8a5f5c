// RUN: cimc-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

func.func @tile_outside(%xb: !xbar.crossbar, %c: tensor<1x64x40xui4>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 65, columns 0 to 40>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 0 to 65, columns 0 to 40> reaches out of cells of (1, 64, 40)

// -----

func.func @tile_of_no_matrix(%xb: !xbar.crossbar, %c: tensor<1x64x40xui4>) {
  %xb1 = xbar.write %xb, %c tile<matrix 1, rows 0 to 64, columns 0 to 40>
  func.return
}

// CHECK: tile #cim.tile<matrix 1, rows 0 to 64, columns 0 to 40> reaches out of cells of (1, 64, 40)

// -----

func.func @cells_rank(%xb: !xbar.crossbar, %c: tensor<64x40xui4>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40> reaches out of cells of (64, 40)

// -----

func.func @nothing_written(%v: tensor<1x5x64xui8>, %s: tensor<1x5x10xsi32>) {
  %xb = xbar.alloc {index = 0 : i64}
  %r, %xb1 = xbar.mvm %xb, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: nothing has been written into the crossbar

// -----

func.func @vectors_and_sums(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x6x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: vectors (1, 5, 64) do not go with sums (1, 6, 10)

// -----

func.func @ranks(%xb: !xbar.crossbar, %v: tensor<5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: vectors (5, 64) do not go with sums (1, 5, 10)

// -----

func.func @sums_type(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = "xbar.mvm"(%xb1, %v, %s) <{layer = "fc", encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}> : (!xbar.crossbar, tensor<1x5x64xui8>, tensor<1x5x10xsi32>) -> (tensor<1x5x10xsi64>, !xbar.crossbar)
  func.return
}

// CHECK: result 'result' at position 0 does not verify

// -----

func.func @no_crossbar(%xb: i64, %c: tensor<1x64x40xui4>) {
  %xb1 = "xbar.write"(%xb, %c) <{tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40>}> : (i64, tensor<1x64x40xui4>) -> !xbar.crossbar
  func.return
}

// CHECK: operand 'crossbar' at position 0 does not verify

// -----

func.func @rows_of_the_tile(%xb: !xbar.crossbar, %v: tensor<1x5x63xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: 1 matrices of 63 rows are needed, got cells of (1, 64, 40)

// -----

func.func @columns_of_the_tile(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x11xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: 5 vectors and 40 columns do not go with sums of shape (1, 5, 11)

// -----

func.func @half_a_pair(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 39>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: tile #cim.tile<matrix 0, rows 0 to 64, columns 0 to 39> cuts through a pair of columns

// -----

func.func @too_many_vectors(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<3 to 6>
  func.return
}

// CHECK: vectors #cim.vectors<3 to 6> reach beyond the 5 that there are

// -----

func.func @no_vectors(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2> vectors<3 to 3>
  func.return
}

// CHECK: vectors 3 to 3 are none

// -----

// A state of a crossbar is used once: the order of its work is in the chain.

func.func @state_used_twice(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  %t, %xb3 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  func.return
}

// CHECK: the state of a crossbar that xbar.write gives is used by more than one op

// -----

func.func @write_without_use(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  func.return
}

// CHECK: a tile is written that nothing uses

// -----

// The verifier of xDSL does not check that values are defined before they are used; our tools do.

func.func @used_before_it_is_written(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2>
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  func.return
}

// CHECK: %xb1 is used before it is defined

// -----

func.func @adc_range(%xb: !xbar.crossbar, %v: tensor<1x5x64xui8>, %c: tensor<1x64x40xui4>, %s: tensor<1x5x10xsi32>) {
  %xb1 = xbar.write %xb, %c tile<matrix 0, rows 0 to 64, columns 0 to 40>
  %r, %xb2 = xbar.mvm %xb1, %v, %s layer "fc" encoding<"differential-column", cell_bits 4, slices 2> adc_range -1.5
  func.return
}

// CHECK: adc_range must be above 0, got -1.5
