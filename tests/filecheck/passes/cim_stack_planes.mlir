// RUN: cimc-opt %s -p cim-stack-planes --split-input-file --verify-diagnostics | filecheck %s

// 27 inputs: all 8 planes take 216 rows; w times 2^7 has 15 bits, four digits, so 64 outputs take 256 columns.

func.func @all_planes(%x: tensor<1x3x224x224xf32>) -> tensor<1x64x224x224xf32> {
  %w = weights.load @w : tensor<64x3x3x3xf32>
  %y = cim.conv(%x, %w) {layer = "conv1", precision = #cim.precision<weight 8, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 2, digital>, packing = #cim.packing<groups 1, positions [1, 2]>, strides = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x3x224x224xf32>, tensor<64x3x3x3xf32>) -> tensor<1x64x224x224xf32>
  func.return %y : tensor<1x64x224x224xf32>
}

// CHECK: func.func @all_planes
// CHECK: encoding = #cim.encoding<"offset", cell_bits 4, slices 4, digital, planes 8 of 1>, strides
// CHECK-NOT: packing
// CHECK: func.return

// -----

// Drivers that apply two bits at a time: planes are of two bits.

builtin.module attributes {cim.target = #cim.target<name = "dac2", rows = 256, cols = 256, cell_bits = 4, dac_bits = 2, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column">} {
  func.func @two_bits(%x: tensor<1000x16xf32>) {
    %w = weights.load @w : tensor<16x64xf32>
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 5, activation 8>, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>} : (tensor<1000x16xf32>, tensor<16x64xf32>) -> tensor<1000x64xf32>
    func.return
  }
}

// CHECK: func.func @two_bits
// CHECK: planes {{[234]}} of 2>

// -----

// No rows are left, or a column of ones reads the inputs: nothing changes.

func.func @none(%x: tensor<50x768xf32>, %z: tensor<1000x8xf32>) {
  %large = weights.load @large : tensor<768x256xf32>
  %small = weights.load @small : tensor<8x8xf32>
  %0 = cim.matmul(%x, %large) {layer = "large", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>} : (tensor<50x768xf32>, tensor<768x256xf32>) -> tensor<50x256xf32>
  %1 = cim.matmul(%z, %small) {layer = "small", precision = #cim.precision<weight 4, activation 8>, encoding = #cim.encoding<"offset", cell_bits 4, slices 1>} : (tensor<1000x8xf32>, tensor<8x8xf32>) -> tensor<1000x8xf32>
  func.return
}

// CHECK: func.func @none
// CHECK: layer = "large", {{.*}}slices 1, digital>} :
// CHECK-NEXT: layer = "small", {{.*}}slices 1>} :

// -----

func.func @no_encoding(%x: tensor<1x8xf32>, %w: tensor<8x2xf32>) {
  %0 = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
  func.return
}

// CHECK: layer 'fc' has no encoding; select a mapping first
