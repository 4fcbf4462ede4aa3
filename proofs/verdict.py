"""What a Coq checker's verdict says, in words: `verdict_text` reads it from coqc's output, `explain` turns it into a sentence.

The constructors are those of `outcome` in coq/theories/Cert/Outcome.v; one that is not known here is shown as Coq printed it.
"""

from __future__ import annotations

import re

ACCEPTED = "Accepted"
SENTENCES = {
    "Accepted": "the checker accepts the certificate",
    "Refused Empty_context": "the network has no input positions (n_ctx is 0)",
    "Refused Wrong_shape {}": "tensor {0} is not of the shape that the sizes in Weights.v want",
    "Refused May_overflow {}": "a product could leave 62 bits at the stage {0}; use fewer weight bits or a smaller network",
    "Refused Wrong_number_of_queries {} {}": "the certificate has {0} entries, one per last token, wanted {1}",
    "Refused Query_short {} {} {}": "for last token {0} the checker proves {1} inputs right, the certificate claims {2}",
    "Refused Wrong_factor {} {}": "the low-rank factor {1} of the product {0} has the wrong shape or rank, or numbers above 2^60",
    "Refused Wrong_length Moved {} {}": "the certificate moves a vector of {0} entries, wanted {1}, the width of the network",
    "Refused Wrong_length Distribution {} {}": "the distribution has {0} rows of weights, wanted {1}, one for each position",
    "Refused Wrong_weights {}": "row {0} of the distribution is not one weight >= 0 for each token",
    "Refused Wrong_length Band {} 1": "the first band has {0} tokens, wanted 1: the largest token is a band of its own",
    "Refused Wrong_length Band {} {}": "the certificate has {0} bands of tokens, wanted at most {1}",
    "Refused Bands_short {} {}": "the bands of tokens cover {0} tokens, the network has {1}; add larger bands",
    "Refused Total_short {} {}": "the inputs that the certificate counts add up to {0}, the theorem wants {1}",
    "Refused Wrong_order {}": "the modulus is {0}; wanted at least 1, and an odd number where the strategy halves",
    "Refused Wrong_activation": "the strategy does not know this activation; second_moment wants Square, the others Relu",
    "Refused Wrong_table {}": "the table {0} of the network or the certificate has the wrong shape, or too large numbers",
    "Refused Wrong_scale {}": "a scale or shift of the certificate is {0}, which is out of the range that the checker takes",
    "Refused Wrong_frequency {}": "the certificate has the frequency {0}, wanted one from 1 to (p-1)/2",
    "Refused Not_correlated": "the logits are not correlated with the right answers: nothing follows for any pair",
    "Refused Total_differs {} {} {} {}": "the claims add up to {0} right, {1} wrong of {2}; the theorem claims exactly {3}",
}  # fmt: skip


def verdict_text(printed: str) -> str:
    """Return the value in the output of `Eval vm_compute in (verdict ..)`, on one line; all of it where there is no value."""
    text = " ".join(printed.split())
    found = re.fullmatch(r"= (.*) : \S+", text)
    return found.group(1) if found else text


def explain(verdict: str) -> str:
    """Turn a verdict such as "Refused (Query_short 3 260 261)" into a sentence; an unknown one is returned as it is."""
    words = re.sub(r"%\w+|[()]", " ", verdict).split()
    for pattern, sentence in SENTENCES.items():
        wanted = pattern.split()
        if len(wanted) == len(words) and all(want in ("{}", word) for want, word in zip(wanted, words, strict=True)):
            arguments = [_plain(word) for want, word in zip(wanted, words, strict=True) if want == "{}"]
            return sentence.format(*arguments)
    return verdict


def _plain(word: str) -> str:
    """Numbers with thousands separators, constructors such as Tensor_W_E without their prefix."""
    if re.fullmatch(r"-?[0-9]+", word):
        return f"{int(word):,}"
    return word.removeprefix("Tensor_")
