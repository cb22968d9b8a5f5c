// RUN: cimc-opt %s -p 'convert-onnx-to-cim' --check-each-pass | filecheck %s
// convert-onnx-to-cim changes what node 'Quant_rq' gives.

// CHECK: func.func @main

builtin.module attributes {cim.target = #cim.target<name = "rram-256x256-c4", rows = 256, cols = 256, cell_bits = 4, dac_bits = 1, write_us = 56.0, mvm_us = 1.4, crossbars = 1, mapping = "differential-column", reads = ["differential", "single-ended"]>} {
  func.func @main(%0: tensor<1x6xf32> {onnx.name = "x0"}) -> (tensor<1x5xf32> {onnx.name = "y"}) {
    %sx = weights.inline dense<1.000000e-01> : tensor<f32>
    %zero = weights.inline dense<0.000000e+00> : tensor<f32>
    %bits5 = weights.inline dense<1.000000e+00> : tensor<f32>
    %xq = onnx.Quant(%0, %sx, %zero, %bits5) {signed = 0 : i64} : (tensor<1x6xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<1x6xf32> loc("Quant_xq")
    %w = weights.inline dense<[[-0.447081059, 2.25899363, -0.334312797, 3.189820e-01, 1.3535862], [0.791754961, 0.222187102, 0.848534465, 6.280200e-01, -1.09632993], [-0.699015737, 0.721332908, -0.632271826, -1.07445765, 0.124086671], [0.688023627, 1.31768262, -1.00494909, -0.64060092, -0.382217258], [0.0648053959, 0.346002489, 0.436211586, -7.325400e-01, -1.5088048], [0.898666382, -1.4011085, -1.80644608, 0.812415838, 0.349631429]]> : tensor<6x5xf32>
    %sw = weights.inline dense<2.500000e-01> : tensor<f32>
    %bits4 = weights.inline dense<4.000000e+00> : tensor<f32>
    %wq = onnx.Quant(%w, %sw, %zero, %bits4) {narrow = 1 : i64} : (tensor<6x5xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<6x5xf32> loc("Quant_wq")
    %m = onnx.MatMul(%xq, %wq) : (tensor<1x6xf32>, tensor<6x5xf32>) -> tensor<1x5xf32> loc("MatMul_m")
    %r = onnx.Relu(%m) : (tensor<1x5xf32>) -> tensor<1x5xf32> loc("Relu_r")
    %rq = onnx.Quant(%r, %sx, %zero, %bits5) {signed = 0 : i64} : (tensor<1x5xf32>, tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<1x5xf32> loc("Quant_rq")
    func.return %rq : tensor<1x5xf32>
  }
}
