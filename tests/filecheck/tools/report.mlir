// RUN: python %S/Inputs/tiny_model.py %t.onnx
// RUN: cimc %t.onnx --emit=report -O0 --format json --bits 4,4 | filecheck %s

// One tile; 4 vectors of 4 bits are 16 cycles of 1.4 us. With 8 bits there is one tile as well, and 32 cycles:
// 100.8 / 78.4. One crossbar is never idle. The two weights of 4 bits fill 8 / (256 * 256 * 4) of it.

// CHECK: "crossbars": 1,
// CHECK: "layers": [
// CHECK: "name": "conv",
// CHECK-NEXT: "kind": "Conv2D",
// CHECK-NEXT: "outputs": 2,
// CHECK-NEXT: "inputs": 1,
// CHECK-NEXT: "vectors": 4,
// CHECK-NEXT: "repeats": 1,
// CHECK-NEXT: "weight_bits": 4,
// CHECK-NEXT: "activation_bits": 4,
// CHECK-NEXT: "mapping": "differential-column",
// CHECK-NEXT: "stationary": "weights",
// CHECK-NEXT: "tile_writes": 1,
// CHECK-NEXT: "mvm_cycles": 16,
// CHECK-NEXT: "write_us": 56.0,
// CHECK-NEXT: "mvm_us": 22.4,
// CHECK-NEXT: "cell_writes": 4,
// CHECK-NEXT: "dac_conversions": 16,
// CHECK-NEXT: "adc_conversions": 32,
// CHECK-NEXT: "shift_adds": 32,
// CHECK-NEXT: "digital_operations": 8,
// CHECK-NEXT: "energy_uj": null
// CHECK: "digital": {
// CHECK-NEXT: "digital_operations": 8,
// CHECK-NEXT: "energy_uj": null
// CHECK: "total": {
// CHECK-NEXT: "tile_writes": 1,
// CHECK-NEXT: "mvm_cycles": 16,
// CHECK-NEXT: "latency_us": 78.4,
// CHECK-NEXT: "initiation_interval_us": 78.4,
// CHECK-NEXT: "latency_8bit_us": 100.8,
// CHECK-NEXT: "speedup": 1.2857142857142858,
// CHECK-NEXT: "lower_bound_us": 78.4,
// CHECK-NEXT: "gap": 0.0,
// CHECK-NEXT: "information_bound_us": 0.002392578125,
// CHECK-NEXT: "crossbars": 1,
// CHECK-NEXT: "cell_writes": 4,
// CHECK-NEXT: "dac_conversions": 16,
// CHECK-NEXT: "adc_conversions": 32,
// CHECK-NEXT: "shift_adds": 32,
// CHECK-NEXT: "digital_operations": 16,
// CHECK-NEXT: "energy_uj": null,
// CHECK-NEXT: "energy_by_event_uj": {
// CHECK: "kept_cells": 4,
// CHECK-NEXT: "later_energy_uj": null,
// CHECK-NEXT: "writes_per_cell": 0,
// CHECK-NEXT: "inferences_until_worn": null
