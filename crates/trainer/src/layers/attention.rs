//! Attention with several heads (Vaswani et al. 2017).

use super::linear::Linear;
use super::pass::Pass;
use tch::Tensor;

/// Each token takes from all tokens of its image. As `torch.nn.MultiheadAttention` of one input, with its names.
pub struct Attention {
    pub(super) name: String,
    /// Queries, keys and values, one below the other.
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) out: Linear,
    pub(super) heads: i64,
}

impl Attention {
    /// `[n, tokens, c]` to the same, in the arithmetic of the pass.
    pub fn forward(&self, pass: &Pass, input: &Tensor) -> Tensor {
        let [weight, bias] = [self.weight, self.bias].map(|index| pass.weights[index].to_kind(pass.dtype));
        let (size, heads) = (input.size(), self.heads);
        let (images, tokens, channels) = (size[0], size[1], size[2]);
        let all = input.to_kind(pass.dtype).linear(&weight, Some(&bias));
        let all = all.view([images, tokens, 3, heads, channels / heads]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] = [0, 1, 2].map(|part| all.select(0, part));
        let taken = Tensor::scaled_dot_product_attention(
            &query,
            &key,
            &value,
            None::<&Tensor>,
            0.0,
            false,
            None,
            false,
        );
        let taken = taken.transpose(1, 2).reshape([images, tokens, channels]);
        pass.show(&self.name, &taken);
        self.out.forward(pass, &taken)
    }
}
