// A pass can be run again on what the pass before it has left.
// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: rm -rf %t.dump
// RUN: cimc %t.onnx --bits 4,8 --dump-ir %t.dump --check-each-pass -O0 -o %t.program.mlir
// RUN: ls %t.dump | filecheck %s --check-prefix FILES
// RUN: filecheck %s --check-prefix CONTENTS < %t.dump/contents.md
// RUN: cimc-opt %t.dump/10-cim-im2col.mlir -p cim-encode,weights-inline | filecheck %s
// RUN: cimc-opt %t.dump/04-convert-onnx-to-cim.mlir -p 'cim-assign-precision{weight-bits=2 activation-bits=3}' | filecheck %s --check-prefix PRECISION

// FILES: 00-import.mlir
// FILES-NEXT: 01-onnx-fold-constants.mlir
// FILES-NEXT: 02-onnx-decompose-attention.mlir
// FILES-NEXT: 03-onnx-fold-batch-norm.mlir
// FILES-NEXT: 04-convert-onnx-to-cim.mlir
// FILES-NEXT: 05-cim-assign-precision.mlir
// FILES-NEXT: 06-cim-select-mapping.mlir
// FILES-NEXT: 07-cim-pack-groups.mlir
// FILES-NEXT: 08-cim-quantize-weights.mlir
// FILES-NEXT: 09-cim-quantize.mlir
// FILES-NEXT: 10-cim-im2col.mlir
// FILES-NEXT: 11-cim-encode.mlir
// FILES-NEXT: 12-cim-tile.mlir
// FILES-NEXT: 13-cim-place.mlir
// FILES-NEXT: 14-cim-order.mlir
// FILES-NEXT: 15-convert-cim-to-xbar.mlir
// FILES-NEXT: contents.md
// FILES-NEXT: weights.safetensors

// CONTENTS: | file | pass | ms | ops | what changed |
// CONTENTS: | [00-import.mlir](00-import.mlir) | | | 10 | |
// CONTENTS-NEXT: | [01-onnx-fold-constants.mlir](01-onnx-fold-constants.mlir) | `onnx-fold-constants` | {{[0-9.]+}} | {{[0-9]+}} | {{.*}} |
// CONTENTS: | `cim-assign-precision{weight_bits=4 activation_bits=8}` | {{[0-9.]+}} | {{[0-9]+}} | precision of 1 cim.conv |
// CONTENTS: | `cim-select-mapping` | {{[0-9.]+}} | {{[0-9]+}} | encoding of 1 cim.conv |
// CONTENTS: | `cim-encode` | {{[0-9.]+}} | {{[0-9]+}} | {{.*}}-1 cim.matmul, +1 cim.zeros, +1 cim.mvm |

// CHECK: weights.inline dense<[[[7, 0, 0, 7]]]> : tensor<1x1x4xui4>

// PRECISION: precision = #cim.precision<weight 2, activation 3>
