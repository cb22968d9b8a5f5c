// What the user got wrong is one message on standard error and exit code 1.
// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: ! cimc %t.none.onnx > %t.txt 2>&1
// RUN: filecheck %s --check-prefix MODEL < %t.txt
// RUN: ! cimc %t.onnx --bits 4 > %t.txt 2>&1
// RUN: filecheck %s --check-prefix BITS < %t.txt
// RUN: ! cimc %t.onnx --target rram > %t.txt 2>&1
// RUN: filecheck %s --check-prefix TARGET < %t.txt
// RUN: ! cimc %t.onnx -O0 --stationary any > %t.txt 2>&1
// RUN: filecheck %s --check-prefix STATIONARY < %t.txt
// RUN: ! cimc %t.onnx -O0 --schedule list > %t.txt 2>&1
// RUN: filecheck %s --check-prefix SCHEDULE < %t.txt
// RUN: ! cimc-opt %s -p cim-tiles > %t.txt 2>&1
// RUN: filecheck %s --check-prefix PASS < %t.txt
// RUN: ! cimc-opt %s -p 'cim-tile{depth=3}' > %t.txt 2>&1
// RUN: filecheck %s --check-prefix OPTION < %t.txt

// A program is bound to its weights by their digests.
// RUN: cimc %t.onnx --bits 4,8 -O0 -o %t.program.mlir
// RUN: cimc %t.onnx --bits 3,8 -O0 -o %t.other.mlir
// RUN: cp %t.other.safetensors %t.program.safetensors
// RUN: ! cimc run %t.program.mlir --input %t.npz > %t.txt 2>&1
// RUN: filecheck %s --check-prefix DIGEST < %t.txt

// MODEL: cimc: error: {{.*}}none.onnx: no such file
// BITS: cimc: error: bits are two numbers W,A like 4,8, got '4'
// TARGET: cimc: error: target rram: neither a file nor one of rram-128x128-c2-isaac, rram-256x256-c1, rram-256x256-c2, rram-256x256-c4
// STATIONARY: cimc: error: stationary any needs -O1: -O0 stores weights, as the paper does
// SCHEDULE: cimc: error: schedule list needs -O1: -O0 takes one tile after the other
// PASS: cimc-opt: error: {{.*}}cim-tiles
// OPTION: cimc-opt: error: {{.*}}depth
// DIGEST: cimc: error: {{.*}}: the weights 'conv.{{cells|step}}' do not match the digest {{[0-9a-f]+}}: the .safetensors file is not the one this program was written with
