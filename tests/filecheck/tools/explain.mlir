// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --bits 4,8 -O0 -o %t.program.mlir
// RUN: cimc explain %t.program.mlir conv | filecheck %s
// RUN: ! cimc explain %t.program.mlir con > %t.txt 2>&1
// RUN: filecheck %s --check-prefix NAME < %t.txt

// CHECK: layer conv, from the ONNX node '/conv/Conv'
// CHECK: what streams
// CHECK-NEXT: cim.quantize       Codes of float values.
// CHECK-NEXT: tensor<1x1x2x2xui8>
// CHECK-NEXT: cim.im2col         The input vectors of a convolution: [matrices, vectors, inputs].
// CHECK-NEXT: tensor<1x4x1xui8>
// CHECK: inputs        codes 0 to 255 of steps of 0.5, zero point 0
// CHECK-NEXT: weights       differential-column, 1 slices of 4 bits
// CHECK-NEXT: matrices      1 of 1 x 4 cells
// CHECK-NEXT: tiles         1 writes into crossbars of 256 x 256
// CHECK-NEXT: cycles        8 for a vector of 8 bits, 32 in all
// CHECK-NEXT: conversions   32 by DACs, 64 by ADCs
// CHECK-NEXT: time          0.056 ms of writes and 0.045 ms of MVMs, 100.0 % of what crossbars work
// CHECK-NEXT: when          from 0.000 to 0.101 ms of 0.101
// CHECK: crossbar         matrix  rows  columns  vectors  from ms  to ms
// CHECK-NEXT:        0  write       0   0-0      0-3             0.000  0.056
// CHECK-NEXT:        0  mvm         0   0-0      0-3        4    0.056  0.101
// CHECK: what becomes of the sums
// CHECK-NEXT: cim.to_image
// CHECK: cim.dequantize

// NAME: cimc: error: the program has no layer 'con'; there is conv
