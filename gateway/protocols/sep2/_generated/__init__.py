"""Classes and tables made from ``schemas/sep2`` by ``make sep2-model``; never edited by hand."""
