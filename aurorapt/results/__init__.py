"""Classification files, their companions, and trees of them."""
