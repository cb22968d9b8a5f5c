// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --emit=trace -O0 --bits 4,4 -o %t.json
// RUN: python -m json.tool %t.json | filecheck %s

// One tile is written, and 4 vectors of 4 bits stream for 1.4 us a bit.

// CHECK: "traceEvents": [
// CHECK: "name": "thread_name",
// CHECK: "name": "crossbar 0"
// CHECK: "ph": "X",
// CHECK-NEXT: "name": "conv write",
// CHECK-NEXT: "cat": "write",
// CHECK-NEXT: "pid": 0,
// CHECK-NEXT: "tid": 0,
// CHECK-NEXT: "ts": 0.0,
// CHECK-NEXT: "dur": 56.0,
// CHECK: "ph": "X",
// CHECK-NEXT: "name": "conv mvm",
// CHECK-NEXT: "cat": "mvm",
// CHECK-NEXT: "pid": 0,
// CHECK-NEXT: "tid": 0,
// CHECK-NEXT: "ts": 56.0,
// CHECK-NEXT: "dur": 22.4,
// CHECK-NEXT: "args": {
// CHECK-NEXT: "layer": "conv",
// CHECK-NEXT: "matrix": 0,
// CHECK-NEXT: "rows": "0 to 1",
// CHECK-NEXT: "columns": "0 to 4",
// CHECK-NEXT: "vectors": 4
