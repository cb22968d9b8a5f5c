// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --emit=onnx | filecheck %s --check-prefix ONNX
// RUN: cimc %t.onnx --emit=cim --bits 4,8 -O0 | filecheck %s --check-prefix CIM
// RUN: cimc %t.onnx --bits 4,8 -O0 -o %t.program.mlir
// RUN: cimc-opt %t.program.mlir -p weights-inline | filecheck %s --check-prefix XBAR
// RUN: cimc run %t.program.mlir --input %t.npz | filecheck %s --check-prefix CHIP

// Nodes' names are kept as locations.
// ONNX: builtin.module attributes {cim.target = #cim.target<name = "rram-256x256-c4", rows = 256, cols = 256, cell_bits = 4, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column", reads = ["differential", "single-ended"]>} {
// ONNX-NEXT: func.func @main(%x: tensor<1x1x2x2xf32> {onnx.name = "x"}) -> (tensor<1x2x2x2xf32> {onnx.name = "y"}) {
// ONNX: %conv.weight = weights.load @conv.weight : tensor<2x1x1x1xf32>
// ONNX: %sums = onnx.Conv(%values, %conv.weight) : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x2x2xf32> loc("/conv/Conv"
// ONNX-NEXT: %y = onnx.Relu(%sums)

// A layer is called after its weights.
// CIM: %sums = cim.conv(%values, %conv.weight) {layer = "conv", aliases = ["/conv/Conv"], precision = #cim.precision<weight 4, activation 8>, input = #cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64, encoding = #cim.encoding<"differential-column", cell_bits 4, slices 1>}

// Codes 7 and -7 with scales 2 / 7 and 1 / 7, times the input's step of 0.5.
// XBAR: func.func @main
// XBAR-NEXT: [[XB:%[0-9]+]] = xbar.alloc {index = 0 : i64}
// XBAR: cim.quantize {{.*}}#cim.quantizer<ui8, scale 5.000000e-01, zero_point 0>
// XBAR: [[V:%[0-9]+]] = cim.im2col {{.*}} : tensor<1x1x2x2xui8> -> tensor<1x4x1xui8>
// XBAR: [[CELLS:%[0-9]+]] = weights.inline dense<[[[7, 0, 0, 7]]]> : tensor<1x1x4xui4>
// XBAR: [[XB1:%[0-9]+]] = xbar.write [[XB]], [[CELLS]] tile<matrix 0, rows 0 to 1, columns 0 to 4>
// XBAR-NEXT: [[S:%[0-9]+]], %{{.*}} = xbar.mvm [[XB1]], [[V]], %{{.*}} layer "conv" encoding<"differential-column", cell_bits 4, slices 1>
// XBAR: [[Y:%[0-9]+]] = cim.to_image [[S]] : tensor<1x4x2xsi32> -> tensor<1x2x2x2xsi32>
// XBAR: weights.inline dense<[0.142857{{[0-9]*}}, 0.071428{{[0-9]*}}]> : tensor<2xf64>
// XBAR: cim.dequantize([[Y]],
// XBAR-NEXT: onnx.Relu

// One write of 56 us; 4 vectors of 8 bits are 32 cycles of 1.4 us. A cycle drives one row and reads two pairs.
// CHIP: 1 run(s), each 0.101 ms on the chip: 1 tile writes, 32 MVM cycles, 64 ADC and 32 DAC conversions
