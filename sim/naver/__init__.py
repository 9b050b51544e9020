"""A simulated Naver: market and stock news lists, article pages, and the desk that writes the news."""
