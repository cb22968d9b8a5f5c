// What an inference takes beyond time is the same in the report and after a run.
// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --bits 4,4 -O0 --target %S/Inputs/worn.toml --emit=report | filecheck %s --check-prefixes CHECK,WORN
// RUN: cimc %t.onnx --bits 4,4 -O0 --target %S/Inputs/worn.toml -o %t.worn.mlir
// RUN: cimc run %t.worn.mlir --input %t.npz | filecheck %s --check-prefixes CHECK,WORN
// RUN: cimc %t.onnx --bits 4,4 --target %S/Inputs/worn.toml --crossbars 2 --emit=report | filecheck %s --check-prefixes CHECK,KEPT
// RUN: cimc %t.onnx --bits 4,4 --emit=report | filecheck %s --check-prefix UNKNOWN
// RUN: cimc %S/../../../examples/models/fashion_mixed_qcdq.onnx --emit=report -O0 | filecheck %s --check-prefix EXAMPLE

// Two tiles of a row and two columns. For each, 4 vectors of 4 bits are 16 cycles, which drive a row and read a pair.
// The convolution has 8 results and so has the ReLU: 4 * 25 + 32 * (2 + 1 + 0.5) + 8 * 3 nJ, and 8 * 3 nJ.
// CHECK: layer cell writes cycles DAC ADC shift-adds digital uJ
// CHECK-NEXT: conv 4 32 32 32 32 8 0.236
// CHECK-NEXT: (other digital work) 0 0 0 0 0 8 0.024
// CHECK-NEXT: (total) 4 32 32 32 32 16 0.260

// WORN: energy 0.260 uJ: cell writes 38.5 %, cycles 24.6 %, DAC 12.3 %, ADC 6.2 %, digital 18.5 %
// WORN-NEXT: endurance with 1 crossbar, each inference writes a cell up to 2 times: 1e+06 writes are spent after 500,000 inferences

// KEPT: energy 0.260 uJ: {{.*}} 0.160 uJ after the first inference: 4 cells stay as written
// KEPT-NEXT: endurance with 2 crossbars, all cells stay as written in the first inference

// UNKNOWN: (total) 512
// UNKNOWN: energy not known: the target does not say cell_write_pj, mvm_pj, dac_pj, adc_pj, shift_add_pj, digital_pj
// UNKNOWN-NEXT: endurance with 1 crossbar, all cells stay as written in the first inference

// EXAMPLE: endurance with 1 crossbar, each inference writes a cell up to 10 times; the target does not say how many writes a cell stands: 1e+06, for example, would be spent after 100,000 inferences
