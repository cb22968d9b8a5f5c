// RUN: cimc --emit=onnx --print-pipeline | filecheck %s --check-prefix ONNX
// RUN: cimc --emit=cim --print-pipeline | filecheck %s --check-prefix CIM
// RUN: cimc --emit=report --print-pipeline | filecheck %s --check-prefix CIM
// RUN: cimc --emit=xbar --print-pipeline | filecheck %s --check-prefix XBAR
// RUN: cimc --print-pipeline -O0 | filecheck %s --check-prefix PAPER
// RUN: cimc --print-pipeline | filecheck %s --check-prefix XBAR
// RUN: cimc --print-pipeline --emit=cim --bits 4,5 --calibrate data.npz --calibration minmax --mapping any | filecheck %s --check-prefix OPTIONS
// RUN: cimc --print-pipeline --emit=report --policy policy.json --calibrate data.npz | filecheck %s --check-prefix POLICY
// RUN: cimc --print-pipeline --emit=cim --stationary any --mapping any | filecheck %s --check-prefix STATIONARY

// ONNX: {{^}}onnx-fold-constants{{$}}

// CIM: {{^}}onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim,cim-select-stationary,cim-select-mapping{digits="fewest"},cim-pack,cim-stack-planes,cim-allot-crossbars{{$}}

// PAPER: {{^}}onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim,cim-select-mapping,cim-pack-groups,cim-quantize-weights,cim-quantize,cim-im2col,cim-encode,cim-tile,cim-place,cim-order,convert-cim-to-xbar{{$}}
// XBAR: {{^}}onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim,cim-select-stationary,cim-select-mapping{digits="fewest"},cim-pack,cim-stack-planes,cim-allot-crossbars,cim-quantize-weights,cim-quantize,cim-swap-operands,cim-unsigned-codes,cim-im2col,cim-encode,cim-tile,cim-schedule,convert-cim-to-xbar{{$}}

// Precision and calibration are passes where the command line asks for them.
// OPTIONS: {{^}}onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim,cim-assign-precision{weight-bits=4 activation-bits=5},cim-calibrate{data="data.npz" method="minmax"},cim-select-stationary{mapping="any"},cim-select-mapping{mapping="any" digits="fewest"},cim-pack,cim-stack-planes,cim-allot-crossbars{{$}}

// A report needs no ranges of activations.
// POLICY: {{^}}onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim,cim-assign-precision{policy="policy.json"},cim-select-stationary,cim-select-mapping{digits="fewest"},cim-pack,cim-stack-planes,cim-allot-crossbars{{$}}

// STATIONARY: ,cim-select-stationary{mapping="any" stationary="any"},
