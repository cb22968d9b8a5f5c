// RUN: cimc-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

func.func @result_type() {
  %w = "weights.inline"() <{value = dense<[1, 2]> : tensor<2xsi4>}> : () -> tensor<2xsi8>
  func.return
}

// CHECK: weights.inline: attribute tensor<2xsi8> expected from variable 'T', but got tensor<2xsi4>

// -----

func.func @no_tensor() {
  %w = "weights.load"() <{symbol = @w}> : () -> f32
  func.return
}

// CHECK: weights.load: result 'result' at position 0 does not verify: f32 should be of base attribute tensor

// -----

func.func @no_symbol() {
  %w = "weights.load"() : () -> tensor<2xf32>
  func.return
}

// CHECK: property 'symbol' expected in operation 'weights.load'

// -----

func.func @unquoted_digest() {
  %w = weights.load @w digest 12 : tensor<2xf32>
  func.return
}

// CHECK: Invalid type given for integer or float attribute.
