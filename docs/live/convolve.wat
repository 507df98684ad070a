;; A convolution of 3x3 weights, for four neighbouring pixels and four outputs at once: the only part of the network that
;; takes any time. `convolve.wasm` is this text, assembled.
;;
;; All numbers are 32-bit floats, and all addresses count bytes. Planes are square, and have a border of zeros, one pixel wide.
(module
  (memory (export "memory") 1)
  (func (export "convolve")
    (param $input i32)    ;; `count` planes
    (param $weights i32)  ;; `outputs` times `count` times nine weights
    (param $bias i32)     ;; `outputs` numbers to begin with
    (param $output i32)   ;; `outputs` planes, which this fills within their borders
    (param $count i32)
    (param $outputs i32)  ;; a multiple of 4
    (param $size i32)     ;; of a plane without its border, a multiple of 4
    (local $row i32) (local $plane i32) (local $stride i32)
    (local $y i32) (local $x i32) (local $channel i32) (local $line i32)
    (local $corner i32) (local $p i32) (local $to i32)
    (local $w0 i32) (local $w1 i32) (local $w2 i32) (local $w3 i32)
    (local $left v128) (local $middle v128) (local $right v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)

    (local.set $row (i32.shl (i32.add (local.get $size) (i32.const 2)) (i32.const 2)))
    (local.set $plane (i32.mul (local.get $row) (i32.add (local.get $size) (i32.const 2))))
    (local.set $stride (i32.mul (local.get $count) (i32.const 36)))

    (loop $every_four_outputs
      (local.set $y (i32.const 0))
      (loop $every_row
        (local.set $x (i32.const 0))
        (loop $every_four_pixels
          ;; Begin with the bias.
          (local.set $a (v128.load32_splat offset=0 (local.get $bias)))
          (local.set $b (v128.load32_splat offset=4 (local.get $bias)))
          (local.set $c (v128.load32_splat offset=8 (local.get $bias)))
          (local.set $d (v128.load32_splat offset=12 (local.get $bias)))
          (local.set $w0 (local.get $weights))
          (local.set $w1 (i32.add (local.get $w0) (local.get $stride)))
          (local.set $w2 (i32.add (local.get $w1) (local.get $stride)))
          (local.set $w3 (i32.add (local.get $w2) (local.get $stride)))
          ;; The neighbour above and to the left of the first of the four pixels.
          (local.set $corner (i32.add (local.get $input)
            (i32.add (i32.mul (local.get $y) (local.get $row)) (i32.shl (local.get $x) (i32.const 2)))))
          (local.set $channel (local.get $count))
          (loop $every_channel
            (local.set $p (local.get $corner))
            (local.set $line (i32.const 3))
            (loop $every_line
              ;; The left, middle and right neighbours of all four pixels.
              (local.set $left (v128.load offset=0 align=4 (local.get $p)))
              (local.set $middle (v128.load offset=4 align=4 (local.get $p)))
              (local.set $right (v128.load offset=8 align=4 (local.get $p)))
              (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $left) (v128.load32_splat offset=0 (local.get $w0)))))
              (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $left) (v128.load32_splat offset=0 (local.get $w1)))))
              (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $left) (v128.load32_splat offset=0 (local.get $w2)))))
              (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $left) (v128.load32_splat offset=0 (local.get $w3)))))
              (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $middle) (v128.load32_splat offset=4 (local.get $w0)))))
              (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $middle) (v128.load32_splat offset=4 (local.get $w1)))))
              (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $middle) (v128.load32_splat offset=4 (local.get $w2)))))
              (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $middle) (v128.load32_splat offset=4 (local.get $w3)))))
              (local.set $a (f32x4.add (local.get $a) (f32x4.mul (local.get $right) (v128.load32_splat offset=8 (local.get $w0)))))
              (local.set $b (f32x4.add (local.get $b) (f32x4.mul (local.get $right) (v128.load32_splat offset=8 (local.get $w1)))))
              (local.set $c (f32x4.add (local.get $c) (f32x4.mul (local.get $right) (v128.load32_splat offset=8 (local.get $w2)))))
              (local.set $d (f32x4.add (local.get $d) (f32x4.mul (local.get $right) (v128.load32_splat offset=8 (local.get $w3)))))
              (local.set $w0 (i32.add (local.get $w0) (i32.const 12)))
              (local.set $w1 (i32.add (local.get $w1) (i32.const 12)))
              (local.set $w2 (i32.add (local.get $w2) (i32.const 12)))
              (local.set $w3 (i32.add (local.get $w3) (i32.const 12)))
              (local.set $p (i32.add (local.get $p) (local.get $row)))
              (br_if $every_line (local.tee $line (i32.sub (local.get $line) (i32.const 1)))))
            (local.set $corner (i32.add (local.get $corner) (local.get $plane)))
            (br_if $every_channel (local.tee $channel (i32.sub (local.get $channel) (i32.const 1)))))
          ;; Put the four pixels of the four outputs where they belong, one row and one pixel within the border.
          (local.set $to (i32.add (local.get $output) (i32.add (i32.const 4)
            (i32.add (i32.mul (i32.add (local.get $y) (i32.const 1)) (local.get $row)) (i32.shl (local.get $x) (i32.const 2))))))
          (v128.store align=4 (local.get $to) (local.get $a))
          (v128.store align=4 (local.tee $to (i32.add (local.get $to) (local.get $plane))) (local.get $b))
          (v128.store align=4 (local.tee $to (i32.add (local.get $to) (local.get $plane))) (local.get $c))
          (v128.store align=4 (local.tee $to (i32.add (local.get $to) (local.get $plane))) (local.get $d))
          (br_if $every_four_pixels
            (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 4))) (local.get $size))))
        (br_if $every_row
          (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $size))))
      (local.set $weights (i32.add (local.get $weights) (i32.shl (local.get $stride) (i32.const 2))))
      (local.set $bias (i32.add (local.get $bias) (i32.const 16)))
      (local.set $output (i32.add (local.get $output) (i32.shl (local.get $plane) (i32.const 2))))
      (br_if $every_four_outputs (local.tee $outputs (i32.sub (local.get $outputs) (i32.const 4)))))))
