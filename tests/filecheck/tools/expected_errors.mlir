// RUN: cimc-opt %s -p onnx-fold-constants --split-input-file --verify-diagnostics | filecheck %s
// RUN: sed 's/@+1/@+2/' %s > %t.line.mlir
// RUN: ! cimc-opt %t.line.mlir --split-input-file --verify-diagnostics > %t.line.txt 2>&1
// RUN: filecheck %s --check-prefix LINE < %t.line.txt
// RUN: sed 's/{{onnx.Relux/{{onnx.Selu/' %s > %t.text.mlir
// RUN: ! cimc-opt %t.text.mlir --split-input-file --verify-diagnostics > %t.text.txt 2>&1
// RUN: filecheck %s --check-prefix TEXT < %t.text.txt
// RUN: sed 's/tensor<3xf32>/tensor<2xf32>/' %s > %t.none.mlir
// RUN: ! cimc-opt %t.none.mlir --split-input-file --verify-diagnostics > %t.none.txt 2>&1
// RUN: filecheck %s --check-prefix NONE < %t.none.txt

// An error of the verifier is on the line of its op. What was expected is printed.

// CHECK: onnx.Relu: Relu gives tensor<2xf32>, not tensor<3xf32>
// LINE: unexpected error: line 21: onnx.Relu: Relu gives tensor<2xf32>, not tensor<3xf32>;
// LINE-SAME: expected error was not produced: line 22: gives tensor<2xf32>
// NONE: expected error was not produced: line 21: gives tensor<2xf32>

func.func @verifier(%x: tensor<2xf32>) {
  // expected-error @+1 {{gives tensor<2xf32>}}
  %y = onnx.Relu(%x) : (tensor<2xf32>) -> tensor<3xf32>
  func.return
}

// -----

// TEXT: unexpected error: line 32: Operation onnx.Relux is not registered;
// TEXT-SAME: expected error was not produced: line 32: onnx.Selu

func.func @parser(%x: tensor<2xf32>) {
  // A comment on the line itself.
  %y = onnx.Relux(%x) : (tensor<2xf32>) -> tensor<2xf32> // expected-error {{onnx.Relux is not registered}}
  func.return
}

// -----

// Pieces that expect nothing must give no error, and are printed.

// CHECK: func.func @valid
func.func @valid(%x: tensor<2xf32>) -> tensor<2xf32> {
  func.return %x : tensor<2xf32>
}

// -----

// A pass does not say on which line.

// CHECK: node 'reshape' (onnx.Reshape)

func.func @pass(%x: tensor<2xf32>) -> tensor<*xf32> {
  %s = weights.inline dense<[3]> : tensor<1xi64>
  // expected-error @below {{node 'reshape'}}
  // expected-error @unknown {{onnx.Reshape}}
  %y = onnx.Reshape(%x, %s) : (tensor<2xf32>, tensor<1xi64>) -> tensor<*xf32> loc("reshape")
  func.return %y : tensor<*xf32>
}
