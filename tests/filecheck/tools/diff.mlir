// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --bits 4,8 -O0 -o %t.a.mlir
// RUN: cimc %t.onnx --bits 4,4 -O0 --emit=report --format json -o %t.b.json
// RUN: cimc diff %t.a.mlir %t.b.json | filecheck %s
// RUN: ! cimc diff %t.onnx %t.b.json > %t.txt 2>&1
// RUN: filecheck %s --check-prefix OTHER < %t.txt

// CHECK: layer      writes     cycles         ms         change  how
// CHECK-NEXT: conv            1  1      32  16  0.101  0.078  -22.2 %  differential-column, 1 slices, streams 8 bits -> 4/4 differential-column
// CHECK-NEXT: (latency)                         0.101  0.078  -22.2 %

// OTHER: cimc: error: {{.*}}onnx: neither a program (.mlir) nor a report as JSON
