// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --bits 4,8 --emit=report --print-ir-after=cim-assign-precision --print-ir-after=cim-pack 2>&1 >/dev/null | filecheck %s
// RUN: ! cimc %t.onnx --emit=report --print-ir-after=cim-pak > %t.txt 2>&1
// RUN: filecheck %s --check-prefix NAME < %t.txt

// CHECK: // -----// IR after cim-assign-precision //----- //
// CHECK-NEXT: builtin.module
// CHECK: precision = #cim.precision<weight 4, activation 8>
// CHECK: // -----// IR after cim-pack //----- //
// CHECK: encoding = #cim.encoding
// CHECK-NOT: IR after

// NAME: cimc: error: --print-ir-after=cim-pak: no such pass runs; there is cim-pack
