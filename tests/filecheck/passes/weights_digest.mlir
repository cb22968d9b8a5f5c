// RUN: cimc-opt %s -p 'cim-quantize-weights,weights-digest' | filecheck %s

// A digest is the start of SHA-256 of numpy's type, the shape and the bytes. Here, codes 7, -7, 4, 1 and scales
// 1.0, 2.0:
//   hashlib.sha256(b"|i1(2, 2)" + bytes([7, 249, 4, 1])).hexdigest()[:16]
//   hashlib.sha256(b"<f4(2,)" + struct.pack("<2f", 1.0, 2.0)).hexdigest()[:16]

func.func @main(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %weight = weights.inline dense<[[7.0, -14.0], [4.0, 2.0]]> : tensor<2x2xf32>
  %y = cim.matmul(%x, %weight) {layer = "fc", precision = #cim.precision<weight 4, activation 8>} : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  func.return %y : tensor<1x2xf32>
}

// CHECK: %0 = weights.load @fc.codes digest "5c94ced78f49e494" : tensor<2x2xsi4>
// CHECK-NEXT: %1 = weights.load @fc.scale digest "1e506e4140fce008" : tensor<2xf32>
